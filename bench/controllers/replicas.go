package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

func quantity(text string) *resource.Quantity { return ptr.To(resource.MustParse(text)) }

// patchDeployment changes a Deployment.
func (g *stage) patchDeployment(ctx context.Context, name, patch string) error {
	_, err := g.client.AppsV1().Deployments(work).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("changing Deployment %s: %w", name, err)
	}
	return nil
}

// toVersion makes the pods of a template others.
func toVersion(version string) string {
	return fmt.Sprintf(`{"spec":{"template":{"metadata":{"labels":{%q:%q}}}}}`, versionLabel, version)
}

func oneDeployment(ctx context.Context, g *stage) error {
	n := g.settings.scaled(10_000)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	return g.each(ctx,
		step{
			name: "create", objects: n,
			do:    func(ctx context.Context) error { return g.createDeployment(ctx, work, "web", n) },
			done:  func() (string, bool) { return g.allAvailable(work, 1, n) },
			holds: func(context.Context) error { return g.holdsReplicas(1, n, "1") },
		},
		step{
			name: "roll", objects: n,
			do:    func(ctx context.Context) error { return g.patchDeployment(ctx, "web", toVersion("2")) },
			done:  func() (string, bool) { return g.rolled(1, n, "2") },
			holds: func(context.Context) error { return g.holdsReplicas(1, n, "2") },
		},
		step{
			name: "scale to 0", objects: n,
			do: func(ctx context.Context) error { return g.patchDeployment(ctx, "web", `{"spec":{"replicas":0}}`) },
			done: func() (string, bool) {
				if seen, ok := g.allAvailable(work, 1, 0); !ok {
					return seen, false
				}
				return g.podsAre(work, 0, nil)
			},
			holds: func(context.Context) error { return g.holdsReplicas(1, 0, "2") },
		})
}

func manyDeployments(ctx context.Context, g *stage) error {
	const replicas = 5
	n := g.settings.scaled(2_000)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	name := func(i int) string { return fmt.Sprintf("web-%04d", i) }
	return g.each(ctx,
		step{
			name: "create", objects: n * replicas,
			do: func(ctx context.Context) error {
				return side(ctx, n, func(ctx context.Context, i int) error { return g.createDeployment(ctx, work, name(i), replicas) })
			},
			done:  func() (string, bool) { return g.allAvailable(work, n, replicas) },
			holds: func(context.Context) error { return g.holdsReplicas(n, replicas, "1") },
		},
		step{
			name: "roll", objects: n * replicas,
			do: func(ctx context.Context) error {
				return side(ctx, n, func(ctx context.Context, i int) error { return g.patchDeployment(ctx, name(i), toVersion("2")) })
			},
			done:  func() (string, bool) { return g.rolled(n, replicas, "2") },
			holds: func(context.Context) error { return g.holdsReplicas(n, replicas, "2") },
		},
		step{
			name: "delete", objects: n * replicas,
			do: func(ctx context.Context) error {
				all := g.client.AppsV1().Deployments(work)
				return side(ctx, n, func(ctx context.Context, i int) error { return all.Delete(ctx, name(i), metav1.DeleteOptions{}) })
			},
			done: func() (string, bool) {
				if sets, _ := g.apps.ReplicaSets().Lister().ReplicaSets(work).List(labels.Everything()); len(sets) > 0 {
					return fmt.Sprintf("%d ReplicaSets are left", len(sets)), false
				}
				return g.podsAre(work, 0, nil)
			},
		})
}

// rolled says whether all Deployments have all their pods, and all pods are of a version.
func (g *stage) rolled(deployments, replicas int, version string) (string, bool) {
	if seen, ok := g.allAvailable(work, deployments, replicas); !ok {
		return seen, false
	}
	return g.podsAre(work, deployments*replicas, running(version))
}

// holdsReplicas says what is wrong when each Deployment is to have one ReplicaSet of a version with all its pods, and others with none.
func (g *stage) holdsReplicas(deployments, replicas int, version string) error {
	if err := expect(g.podsAre(work, deployments*replicas, running(version))); err != nil {
		return err
	}
	sets, _ := g.apps.ReplicaSets().Lister().ReplicaSets(work).List(labels.Everything()) // a lister of a cache has no errors
	current := 0
	for _, set := range sets {
		want := int32(0)
		if set.Labels[versionLabel] == version {
			current++
			want = int32(replicas)
		}
		if *set.Spec.Replicas != want || set.Status.Replicas != want || set.Status.AvailableReplicas != want || changed(set, set.Status.ObservedGeneration) {
			return fmt.Errorf("ReplicaSet %s is to have %d pods: it wants %d, and says that it has %d", set.Name, want, *set.Spec.Replicas, set.Status.Replicas)
		}
	}
	if current != deployments {
		return fmt.Errorf("there are %d ReplicaSets of version %s: want %d", current, version, deployments)
	}
	return nil
}

func statefulSets(ctx context.Context, g *stage) error {
	n := g.settings.scaled(1_000)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	return g.each(ctx, g.statefulSet("in order", n, n, appsv1.OrderedReadyPodManagement), g.statefulSet("all at once", n, 2*n, appsv1.ParallelPodManagement))
}

// statefulSet is the step that makes a StatefulSet of n pods, after which there are as many pods as total says.
func (g *stage) statefulSet(title string, n, total int, policy appsv1.PodManagementPolicyType) step {
	name := map[appsv1.PodManagementPolicyType]string{appsv1.OrderedReadyPodManagement: "ordered", appsv1.ParallelPodManagement: "parallel"}[policy]
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: work},
		Spec: appsv1.StatefulSetSpec{
			Replicas: ptr.To(int32(n)), PodManagementPolicy: policy, ServiceName: name,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{appLabel: name}},
			Template: podsOf(name),
		},
	}
	return step{
		name: title, objects: n,
		do: func(ctx context.Context) error {
			_, err := g.client.AppsV1().StatefulSets(work).Create(ctx, set, metav1.CreateOptions{})
			return err
		},
		done: func() (string, bool) {
			now, err := g.apps.StatefulSets().Lister().StatefulSets(work).Get(name)
			if err != nil {
				return err.Error(), false
			}
			s, want := now.Status, int32(n)
			return fmt.Sprintf("%d of %d pods available", s.AvailableReplicas, n),
				!changed(now, s.ObservedGeneration) && s.Replicas == want && s.AvailableReplicas == want && s.UpdatedReplicas == want
		},
		holds: func(context.Context) error {
			for i := range n {
				if _, err := g.pods.Lister().Pods(work).Get(fmt.Sprintf("%s-%d", name, i)); err != nil {
					return err
				}
			}
			return expect(g.podsAre(work, total, running("1")))
		},
	}
}
