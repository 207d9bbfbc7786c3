package main

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// kubeScheduler is the user that both schedulers are: the server has rights and a share of its attention for it.
var kubeScheduler = identity.Identity{User: "system:kube-scheduler"}

// serve is the role of the API server. Its flags are those of scheduler_perf.
func serve(ctx context.Context, o order, ready func(reply) error) error {
	options := apiserver.Options{
		Ephemeral:    true,
		FeatureGates: o.Gates,
		Flags:        []string{"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority"},
	}
	if o.Gates[genericWorkload] {
		options.Flags = append(options.Flags, "--runtime-config=scheduling.k8s.io/v1beta1=true")
	}
	server, err := apiserver.Start(context.WithoutCancel(ctx), options)
	if err != nil {
		return fmt.Errorf("starting the API server: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := server.WaitReady(timed); err != nil {
		return err
	}
	var r reply
	if r.Admin, err = connectionFor(server, identity.Admin); err != nil {
		return err
	}
	if r.Worker, err = connectionFor(server, kubeScheduler); err != nil {
		return err
	}
	if err := ready(r); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}

func connectionFor(server *apiserver.Server, who identity.Identity) (*connection, error) {
	config, err := server.Config(who)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for %s: %w", who.User, err)
	}
	return &connection{Host: config.Host, CA: config.CAData, Cert: config.CertData, Key: config.KeyData}, nil
}
