package differential

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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

var quotaSubject = subject{
	name: "ResourceQuota",
	start: func(s *scenario) {
		pods, cpu := int64(1+s.IntN(4)), int64(1+s.IntN(3))
		quota := &corev1.ResourceQuota{ObjectMeta: s.meta(name), Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{
			corev1.ResourcePods: *resource.NewQuantity(pods, resource.DecimalSI), "count/configmaps": *resource.NewQuantity(3, resource.DecimalSI), "count/replicasets.apps": resource.MustParse("3"),
		}}}
		what := fmt.Sprintf("a quota of %d pods is created", pods)
		if s.chance(50) {
			quota.Spec.Hard[corev1.ResourceRequestsCPU] = *resource.NewQuantity(cpu, resource.DecimalSI)
			what += fmt.Sprintf(" and %d CPUs", cpu)
		}
		s.do(what, creates(func() client.Object { return quota.DeepCopy() }))
		if s.chance(40) {
			scope := []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating, corev1.ResourceQuotaScopeBestEffort, corev1.ResourceQuotaScopeNotBestEffort}[s.IntN(4)]
			s.do("a quota of 2 pods that are "+string(scope)+" is created", creates(func() client.Object {
				return &corev1.ResourceQuota{ObjectMeta: s.meta("scoped"), Spec: corev1.ResourceQuotaSpec{
					Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")}, Scopes: []corev1.ResourceQuotaScope{scope},
				}}
			}))
		}
		replicas := int32(s.IntN(4))
		t := template("web", "web:1")
		t.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
		s.begin(fmt.Sprintf("a ReplicaSet of %d is created", replicas),
			&appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selects("web"), Template: t}})
	},
	moves: append([]move{
		{3, func(s *scenario) bool {
			n := s.IntN(4)
			key := fmt.Sprintf("ConfigMap/map%d", n)
			if s.now.objects[key] != nil {
				s.do(key+" is deleted", deletes(key, metav1.DeletePropagationBackground))
				return true
			}
			s.do(key+" is created", creates(func() client.Object {
				return &corev1.ConfigMap{ObjectMeta: s.meta(fmt.Sprintf("map%d", n))}
			}))
			return true
		}},
		{2, func(s *scenario) bool {
			n := int64(s.IntN(7))
			return s.edit("ResourceQuota", fmt.Sprintf("allows %d pods", n), func(obj client.Object) {
				obj.(*corev1.ResourceQuota).Spec.Hard[corev1.ResourcePods] = *resource.NewQuantity(n, resource.DecimalSI)
			})
		}},
		{3, func(s *scenario) bool {
			// No more than there may be, for what is missing is tried again and again, and comes when it comes.
			n := int32(s.IntN(3))
			return s.edit("ReplicaSet", fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { setReplicas(obj, n) })
		}},
		{1, deletesIt("ResourceQuota", metav1.DeletePropagationBackground)},
		{3, beginsAnew},
		{1, deletesIt("ReplicaSet", metav1.DeletePropagationBackground)},
	}, podMoves...),
}
