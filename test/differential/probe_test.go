package differential

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// probe is an object that a controller answers to at once when it works.
type probe struct {
	object   client.Object
	answered func(ctx context.Context, c client.Client) bool
}

// awaitControllers returns when each kind's controller has answered. Each call has a namespace of its own.
func awaitControllers(ctx context.Context, c client.Client, namespace string) error {
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", namespace, err)
	}
	waiting := probes(namespace)
	for _, p := range waiting {
		if err := c.Create(ctx, p.object); err != nil {
			return fmt.Errorf("creating %T %s: %w", p.object, p.object.GetName(), err)
		}
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for len(waiting) > 0 {
		if waiting[0].answered(ctx, c) {
			waiting = waiting[1:]
			continue
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for an answer to %T: %w", waiting[0].object, context.Cause(ctx))
		}
	}
	return nil
}

func probes(namespace string) []probe {
	named := metav1.ObjectMeta{Name: "probe", Namespace: namespace, Labels: map[string]string{"app": "probe"}}
	none, pods := int32(0), template("probe", "probe")
	job := template("probe", "probe")
	job.Spec.RestartPolicy = corev1.RestartPolicyNever
	yes := true
	hard := corev1.ResourceList{corev1.ResourcePods: resource.MustParse("5")}
	orphan := named
	orphan.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "nobody", UID: "nobody"}}
	deployment := &appsv1.Deployment{ObjectMeta: named, Spec: appsv1.DeploymentSpec{Replicas: &none, Selector: selects("probe"), Template: pods}}
	statefulSet := &appsv1.StatefulSet{ObjectMeta: named, Spec: appsv1.StatefulSetSpec{Replicas: &none, Selector: selects("probe"), Template: pods}}
	daemonSet := &appsv1.DaemonSet{ObjectMeta: named, Spec: appsv1.DaemonSetSpec{Selector: selects("probe"), Template: pods}}
	daemonSet.Spec.Template.Spec.NodeSelector = map[string]string{"probe": "nowhere"}
	rc := &corev1.ReplicationController{ObjectMeta: named, Spec: corev1.ReplicationControllerSpec{Replicas: &none, Selector: map[string]string{"app": "probe"}, Template: &pods}}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: named, Spec: policyv1.PodDisruptionBudgetSpec{Selector: selects("probe")}}
	suspended := &batchv1.Job{ObjectMeta: named, Spec: batchv1.JobSpec{Suspend: &yes, Template: job}}
	quota := &corev1.ResourceQuota{ObjectMeta: named, Spec: corev1.ResourceQuotaSpec{Hard: hard}}
	service := &corev1.Service{ObjectMeta: named, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": "probe"}}}
	collected := &corev1.ConfigMap{ObjectMeta: orphan}
	return []probe{
		answers(deployment, func() bool { return deployment.Status.ObservedGeneration > 0 }),
		answers(statefulSet, func() bool { return statefulSet.Status.ObservedGeneration > 0 }),
		answers(daemonSet, func() bool { return daemonSet.Status.ObservedGeneration > 0 }),
		answers(rc, func() bool { return rc.Status.ObservedGeneration > 0 }),
		answers(budget, func() bool { return budget.Status.ObservedGeneration > 0 }),
		answers(suspended, func() bool { return len(suspended.Status.Conditions) > 0 }),
		answers(quota, func() bool { return len(quota.Status.Hard) > 0 }),
		{service, func(ctx context.Context, c client.Client) bool {
			var slices discoveryv1.EndpointSliceList
			err := c.List(ctx, &slices, client.InNamespace(namespace))
			return err == nil && len(slices.Items) > 0 && c.Get(ctx, client.ObjectKeyFromObject(service), &corev1.Endpoints{}) == nil
		}},
		{collected, func(ctx context.Context, c client.Client) bool {
			return apierrors.IsNotFound(c.Get(ctx, client.ObjectKeyFromObject(collected), &corev1.ConfigMap{}))
		}},
	}
}

func answers(object client.Object, answered func() bool) probe {
	return probe{object, func(ctx context.Context, c client.Client) bool {
		return c.Get(ctx, client.ObjectKeyFromObject(object), object) == nil && answered()
	}}
}
