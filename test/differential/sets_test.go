package differential

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var replicaSetSubject = subject{
	name: "ReplicaSet",
	start: func(s *scenario) {
		s.strangers()
		replicas := int32(s.IntN(6))
		rs := &appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selects("web"), Template: template("web", "web:1")}}
		what := fmt.Sprintf("a ReplicaSet of %d is created", replicas)
		rs.Spec.MinReadySeconds = s.never(&what)
		s.begin(what, rs)
	},
	moves: append([]move{
		{6, scales("ReplicaSet", func(obj client.Object, n int32) { obj.(*appsv1.ReplicaSet).Spec.Replicas = &n })},
		{1, func(s *scenario) bool {
			image := s.image()
			return s.edit("ReplicaSet", "gets the image "+image, func(obj client.Object) { obj.(*appsv1.ReplicaSet).Spec.Template.Spec.Containers[0].Image = image })
		}},
		{3, beginsAnew},
		{1, deletesIt("ReplicaSet", metav1.DeletePropagationBackground)},
		{1, deletesIt("ReplicaSet", metav1.DeletePropagationForeground)},
		{1, deletesIt("ReplicaSet", metav1.DeletePropagationOrphan)},
	}, append(labelMoves, podMoves...)...),
}

var replicationControllerSubject = subject{
	name: "ReplicationController",
	start: func(s *scenario) {
		s.strangers()
		replicas, t := int32(s.IntN(6)), template("web", "web:1")
		rc := &corev1.ReplicationController{ObjectMeta: s.meta(name), Spec: corev1.ReplicationControllerSpec{Replicas: &replicas, Selector: map[string]string{"app": "web"}, Template: &t}}
		what := fmt.Sprintf("a ReplicationController of %d is created", replicas)
		rc.Spec.MinReadySeconds = s.never(&what)
		s.begin(what, rc)
	},
	moves: append([]move{
		{6, scales("ReplicationController", func(obj client.Object, n int32) { obj.(*corev1.ReplicationController).Spec.Replicas = &n })},
		{3, beginsAnew},
		{1, deletesIt("ReplicationController", metav1.DeletePropagationBackground)},
		{1, deletesIt("ReplicationController", metav1.DeletePropagationForeground)},
		{1, deletesIt("ReplicationController", metav1.DeletePropagationOrphan)},
	}, append(labelMoves, podMoves...)...),
}

var statefulSetSubject = subject{
	name: "StatefulSet",
	start: func(s *scenario) {
		replicas, history := int32(s.IntN(5)), int32(s.IntN(3))
		set := &appsv1.StatefulSet{ObjectMeta: s.meta(name), Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas, Selector: selects("web"), Template: template("web", "web:1"), RevisionHistoryLimit: &history, ServiceName: "web",
		}}
		what := fmt.Sprintf("a StatefulSet of %d is created, with a history of %d", replicas, history)
		if s.chance(40) {
			set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
			what += ", all at once"
		}
		switch s.IntN(5) {
		case 0:
			set.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType
			what += ", rolled on deletion"
		case 1:
			partition := int32(s.IntN(4))
			set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition}
			what += fmt.Sprintf(", partitioned at %d", partition)
		case 2:
			most := intstr.FromInt32(int32(1 + s.IntN(3)))
			set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{MaxUnavailable: &most}
			what += fmt.Sprintf(", %s unavailable", most.String())
		}
		if s.chance(25) {
			set.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: int32(s.IntN(3))}
			what += fmt.Sprintf(", from %d", set.Spec.Ordinals.Start)
		}
		if s.chance(40) {
			what += ", with claims" + s.claims(set)
		}
		set.Spec.MinReadySeconds = s.never(&what)
		s.begin(what, set)
	},
	moves: append([]move{
		{6, scales("StatefulSet", func(obj client.Object, n int32) { obj.(*appsv1.StatefulSet).Spec.Replicas = &n })},
		{8, func(s *scenario) bool {
			image := s.image()
			return s.edit("StatefulSet", "gets the image "+image, func(obj client.Object) { obj.(*appsv1.StatefulSet).Spec.Template.Spec.Containers[0].Image = image })
		}},
		{1, func(s *scenario) bool {
			partition := int32(s.IntN(4))
			return s.edit("StatefulSet", fmt.Sprintf("is partitioned at %d", partition), func(obj client.Object) {
				strategy := &obj.(*appsv1.StatefulSet).Spec.UpdateStrategy
				if strategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && strategy.RollingUpdate != nil {
					strategy.RollingUpdate.Partition = &partition
				}
			})
		}},
		{1, func(s *scenario) bool {
			start := int32(s.IntN(3))
			return s.edit("StatefulSet", fmt.Sprintf("starts from %d", start), func(obj client.Object) {
				obj.(*appsv1.StatefulSet).Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: start}
			})
		}},
		{2, func(s *scenario) bool {
			policy := s.retention()
			what := fmt.Sprintf("has its claims %s when deleted and %s when scaled", policy.WhenDeleted, policy.WhenScaled)
			return s.edit("StatefulSet", what, func(obj client.Object) { obj.(*appsv1.StatefulSet).Spec.PersistentVolumeClaimRetentionPolicy = policy })
		}},
		{1, func(s *scenario) bool {
			key := s.some(s.keys("PersistentVolumeClaim", nil))
			if key == "" {
				return false
			}
			s.do(key+" is deleted", deletes(key, metav1.DeletePropagationBackground))
			return true
		}},
		{3, beginsAnew},
		{1, deletesIt("StatefulSet", metav1.DeletePropagationBackground)},
		{1, deletesIt("StatefulSet", metav1.DeletePropagationForeground)},
		{1, deletesIt("StatefulSet", metav1.DeletePropagationOrphan)},
	}, podMoves...),
}

// claims gives a StatefulSet a template of claims, and perhaps a policy of what becomes of them.
func (s *scenario) claims(set *appsv1.StatefulSet) string {
	set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{
		ObjectMeta: metav1.ObjectMeta{Name: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}}
	if s.chance(30) {
		return ""
	}
	set.Spec.PersistentVolumeClaimRetentionPolicy = s.retention()
	return fmt.Sprintf(" (%s when deleted, %s when scaled)", set.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted, set.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled)
}

// retention draws what becomes of claims.
func (s *scenario) retention() *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
	policy := func() appsv1.PersistentVolumeClaimRetentionPolicyType {
		if s.chance(50) {
			return appsv1.DeletePersistentVolumeClaimRetentionPolicyType
		}
		return appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	}
	return &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenDeleted: policy(), WhenScaled: policy()}
}

// scales sets how many pods the scenario's object asks for.
func scales(kind string, set func(client.Object, int32)) func(*scenario) bool {
	return func(s *scenario) bool {
		n := int32(s.IntN(7))
		return s.edit(kind, fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { set(obj, n) })
	}
}

// strangers are pods that were there before: one that would be adopted, and one that somebody else controls.
func (s *scenario) strangers() {
	if s.chance(30) {
		s.do("a pod that matches is created", creates(func() client.Object { return s.pod(name) }))
	}
	if s.chance(20) {
		s.do("a pod that another controls is created", func(ctx context.Context, c client.Client, _ *state) error {
			owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner", Namespace: s.namespace}}
			if err := c.Create(ctx, owner); err != nil {
				return err
			}
			pod, yes := s.pod("owned"), true
			pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, Controller: &yes}}
			return c.Create(ctx, pod)
		})
	}
}

// pod is one that matches. Its name is of those that pods of the object have, so that they cannot be told apart.
func (s *scenario) pod(name string) *corev1.Pod {
	t := template("web", "web:1")
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-", Namespace: s.namespace, Labels: t.Labels}, Spec: t.Spec}
}

// labelMoves take pods from their controllers, and give them back.
var labelMoves = []move{
	{2, func(s *scenario) bool {
		return s.relabel("is taken out by its label", "web", "debug")
	}},
	{1, func(s *scenario) bool {
		return s.relabel("is given back by its label", "debug", "web")
	}},
	{1, func(s *scenario) bool {
		if len(s.keys("Pod", nil)) > 8 {
			return false
		}
		s.do("a pod that matches is created", creates(func() client.Object { return s.pod(name) }))
		return true
	}},
}

func (s *scenario) relabel(what, from, to string) bool {
	key := s.some(s.keys("Pod", func(obj client.Object) bool { return obj.GetLabels()["app"] == from && !leaves(obj.(*corev1.Pod)) }))
	if key == "" {
		return false
	}
	s.do(key+" "+what, edits(key, func(pod *corev1.Pod) { pod.Labels["app"] = to }))
	return true
}
