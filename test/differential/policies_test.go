package differential

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var budgetSubject = subject{
	name: "PodDisruptionBudget",
	start: func(s *scenario) {
		replicas := int32(1 + s.IntN(5))
		t := template("web", "web:1")
		var owner client.Object
		switch s.IntN(4) {
		case 0:
			owner = &appsv1.Deployment{ObjectMeta: s.meta(name), Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: selects("web"), Template: t}}
		case 1:
			owner = &appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selects("web"), Template: t}}
		case 2:
			owner = &appsv1.StatefulSet{ObjectMeta: s.meta(name), Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: selects("web"), Template: t, PodManagementPolicy: appsv1.ParallelPodManagement}}
		case 3:
			owner = &corev1.ReplicationController{ObjectMeta: s.meta(name), Spec: corev1.ReplicationControllerSpec{Replicas: &replicas, Selector: t.Labels, Template: &t}}
		}
		s.do(fmt.Sprintf("a %T of %d is created", owner, replicas), creates(func() client.Object { return owner.DeepCopyObject().(client.Object) }))
		if s.chance(40) {
			s.goOn()
		}
		budget, what := s.budget()
		s.begin(what, budget)
	},
	moves: append([]move{
		{3, func(s *scenario) bool {
			wanted, what := s.budget()
			return s.edit("PodDisruptionBudget", "is changed: "+what, func(obj client.Object) {
				spec := &obj.(*policyv1.PodDisruptionBudget).Spec
				spec.MinAvailable, spec.MaxUnavailable = wanted.Spec.MinAvailable, wanted.Spec.MaxUnavailable
			})
		}},
		{4, happens(fate{"is evicted", and(stays, func(pod *corev1.Pod) bool { return pod.DeletionTimestamp == nil }), func(ctx context.Context, c client.Client, pod *corev1.Pod) error {
			return c.SubResource("eviction").Create(ctx, pod, &policyv1.Eviction{})
		}})},
		{2, func(s *scenario) bool {
			n := int32(1 + s.IntN(5))
			for _, kind := range []string{"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"} {
				if s.now.objects[kind+"/"+name] != nil {
					return s.edit(kind, fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { setReplicas(obj, n) })
				}
			}
			return false
		}},
		{1, func(s *scenario) bool {
			if len(s.keys("Pod", nil)) > 8 {
				return false
			}
			s.do("a pod of nobody is created", creates(func() client.Object {
				pod := s.pod("bare")
				yes := true
				pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "nobody", UID: "00000000-0000-0000-0000-000000000000", Controller: &yes}}
				pod.Finalizers = []string{"example.org/keep"}
				return pod
			}))
			return true
		}},
		{3, beginsAnew},
		{1, deletesIt("PodDisruptionBudget", metav1.DeletePropagationBackground)},
	}, podMoves...),
}

func setReplicas(obj client.Object, n int32) {
	switch obj := obj.(type) {
	case *appsv1.Deployment:
		obj.Spec.Replicas = &n
	case *appsv1.ReplicaSet:
		obj.Spec.Replicas = &n
	case *appsv1.StatefulSet:
		obj.Spec.Replicas = &n
	case *corev1.ReplicationController:
		obj.Spec.Replicas = &n
	case *batchv1.Job:
		obj.Spec.Parallelism = &n
	}
}

// budget draws one. There is never a second for the same pods: upstream counts but one of them anew when a pod changes.
func (s *scenario) budget() (*policyv1.PodDisruptionBudget, string) {
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: s.meta(name), Spec: policyv1.PodDisruptionBudgetSpec{Selector: selects("web")}}
	amount := intstr.Parse([]string{"0", "1", "2", "3", "30%", "50%", "100%"}[s.IntN(7)])
	if s.chance(50) {
		budget.Spec.MinAvailable = &amount
		return budget, "a budget of at least " + amount.String()
	}
	budget.Spec.MaxUnavailable = &amount
	return budget, "a budget of at most " + amount.String() + " away"
}
