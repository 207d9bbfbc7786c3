package main

import (
	"context"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// steady is for how long it is measured what autoscalers cost that have nothing to do. It is four of their periods.
const steady = time.Minute

// What the pods of a target use of CPU together, in thousandths; a pod asks for 100, of which it is to use half.
const (
	idle = 50  // is right for one pod
	busy = 100 // is right for two
)

func autoscalers(ctx context.Context, g *stage) error {
	n := g.settings.scaled(1_000)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	load, err := g.serveMetrics(ctx)
	if err != nil {
		return err
	}
	defer load.Close()
	load.milliCPU.Store(idle)
	err = side(ctx, n, func(ctx context.Context, i int) error {
		name := fmt.Sprintf("web-%04d", i)
		if err := g.createDeployment(ctx, work, name, 1); err != nil {
			return err
		}
		return g.createAutoscaler(ctx, name)
	})
	if err != nil {
		return err
	}
	g.say.Phase("waiting for all targets to have been looked at")
	if err := g.until(ctx, "the autoscalers to act", func() (string, bool) { return g.autoscaled(n, 1) }); err != nil {
		return err
	}
	if err := g.rest(ctx); err != nil {
		return err
	}
	var over time.Time
	holds := func(pods int) func(context.Context) error {
		return func(context.Context) error { return expect(g.autoscaled(n, pods)) }
	}
	return g.each(ctx,
		step{
			name: "idle, a minute", objects: n, holds: holds(1),
			do: func(context.Context) error { over = time.Now().Add(steady); return nil },
			done: func() (string, bool) {
				left := time.Until(over)
				return left.Round(time.Second).String() + " are left", left <= 0
			},
		},
		step{
			name: "busy", objects: n, holds: holds(2),
			do:   func(context.Context) error { load.milliCPU.Store(busy); return nil },
			done: func() (string, bool) { return g.autoscaled(n, 2) },
		})
}

func (g *stage) createAutoscaler(ctx context.Context, target string) error {
	autoscaler := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: target, Namespace: work},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: target},
			MinReplicas:    ptr.To[int32](1), MaxReplicas: 4,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name:   corev1.ResourceCPU,
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To[int32](50)},
			}}},
		},
	}
	if _, err := g.client.AutoscalingV2().HorizontalPodAutoscalers(work).Create(ctx, autoscaler, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating HorizontalPodAutoscaler %s: %w", target, err)
	}
	return nil
}

// autoscaled says whether each autoscaler has seen its metric, and each target has so many pods.
func (g *stage) autoscaled(targets, pods int) (string, bool) {
	all, _ := g.informers.Autoscaling().V2().HorizontalPodAutoscalers().Lister().HorizontalPodAutoscalers(work).List(labels.Everything())
	done := 0
	for _, a := range all {
		if s := a.Status; len(s.CurrentMetrics) == 1 && int(s.CurrentReplicas) == pods && int(s.DesiredReplicas) == pods {
			done++
		}
	}
	if done != targets {
		return fmt.Sprintf("%d of %d autoscalers done", done, targets), false
	}
	return g.allAvailable(work, targets, pods)
}
