package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// creators is how many pods are created at the same time, as in scheduler_perf.
const creators = 30

// side by side calls do for each number below n.
func side(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

func (g *stage) createNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := g.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	return nil
}

func (g *stage) createNodes(ctx context.Context) error {
	g.say.Phase(fmt.Sprintf("creating %d nodes", g.workload.nodes))
	return side(ctx, g.workload.nodes, func(ctx context.Context, i int) error {
		return g.createNode(ctx, newNode(fmt.Sprintf("node-%05d", i), g.workload.zones, i))
	})
}

func (g *stage) createNode(ctx context.Context, node *corev1.Node) error {
	if _, err := g.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating node %s: %w", node.Name, err)
	}
	return nil
}

func (g *stage) createGroups(ctx context.Context) error {
	if g.workload.gang == 0 {
		return nil
	}
	for i := range g.workload.measured.pods / g.workload.gang {
		group := newGroup(i, g.workload.gang)
		if _, err := g.client.SchedulingV1beta1().PodGroups(measured).Create(ctx, group, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating pod group %s: %w", group.Name, err)
		}
	}
	return nil
}

// createPods creates pods, named by a number that counts up from the first, and notes when.
func (g *stage) createPods(ctx context.Context, namespace string, b batch, first int, seen *sightings) error {
	return side(ctx, b.pods, func(ctx context.Context, i int) error {
		pod := b.pod()
		pod.Namespace, pod.Name = namespace, podName(first+i)
		if g.workload.gang > 0 && namespace == measured {
			memberOf(i / g.workload.gang)(pod)
		}
		seen.created(first+i, time.Now())
		if _, err := g.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating pod %s/%s: %w", namespace, pod.Name, err)
		}
		return nil
	})
}

// startChurn makes a node, a service and a pod that fits nowhere come and go by turns, one change of each a second. The
// returned function ends that.
func (g *stage) startChurn(ctx context.Context) (end func() error) {
	if !g.workload.churn {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for turn := 0; ; turn++ {
			if err := g.churn(ctx, turn); err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
			select {
			case <-ctx.Done():
				ended <- nil
				return
			case <-ticker.C:
			}
		}
	}()
	return func() error { cancel(); return <-ended }
}

func (g *stage) churn(ctx context.Context, turn int) error {
	const name = "churn"
	api := g.client.CoreV1()
	if turn%2 == 1 {
		for _, remove := range []func(context.Context, string, metav1.DeleteOptions) error{
			api.Nodes().Delete, api.Pods(earlier).Delete, api.Services(earlier).Delete,
		} {
			// The node takes with it what was placed there; a pod that has gone is as good as deleted.
			if err := remove(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("deleting what comes and goes: %w", err)
			}
		}
		return nil
	}
	node := newNode(name, g.workload.zones, 0)
	node.Spec.Taints = []corev1.Taint{{Key: name, Effect: corev1.TaintEffectNoSchedule}} // so that no measured pod loses its node
	if err := g.createNode(ctx, node); err != nil {
		return err
	}
	pod := newPod(tooLarge)
	pod.Name = name
	if _, err := api.Pods(earlier).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating a pod that fits nowhere: %w", err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "foo"}, Ports: []corev1.ServicePort{{Port: 8080}}},
	}
	if _, err := api.Services(earlier).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating a service: %w", err)
	}
	return nil
}

func podName(i int) string { return fmt.Sprintf("pod-%05d", i) }
