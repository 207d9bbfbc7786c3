package main

import (
	"context"
	"fmt"
)

// restart measures a manager from its start until it does its work, in a cluster where nothing is left to be done.
func restart(ctx context.Context, g *stage) error {
	const replicas = 5
	deployments := g.settings.scaled(1_500)
	pods := deployments * replicas
	others := g.settings.scaled(50_000) - 2*deployments - pods // each Deployment has a ReplicaSet
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	g.say.Phase("filling the cluster")
	err := side(ctx, deployments, func(ctx context.Context, i int) error {
		return g.createDeployment(ctx, work, fmt.Sprintf("web-%04d", i), replicas)
	})
	if err != nil {
		return err
	}
	if err := createMany(ctx, others, g.configMap(work)); err != nil {
		return err
	}
	if err := g.until(ctx, "the pods to run", func() (string, bool) { return g.allAvailable(work, deployments, replicas) }); err != nil {
		return err
	}
	if err := g.rest(ctx); err != nil {
		return err
	}
	if err := g.dismiss(); err != nil {
		return err
	}
	return g.step(ctx, step{
		name: "start", objects: 2*deployments + pods + others,
		do: func(ctx context.Context) error {
			if err := g.createDeployment(ctx, work, "probe", 1); err != nil {
				return err
			}
			return g.begin(ctx)
		},
		done:  func() (string, bool) { return g.podsAre(work, pods+1, running("1")) },
		holds: func(context.Context) error { return expect(g.podsAre(work, pods+1, running("1"))) },
	})
}
