package gen

import (
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// StatefulSet builds a StatefulSet of n replicas of the Service of its name, which is rolled and made in order, and keeps ten
// old revisions and all claims. Its UID is its name.
func StatefulSet(name string, n int32, changes ...func(*oappsv1.StatefulSet)) *oappsv1.StatefulSet {
	partition, unavailable, history := int32(0), intstr.FromInt32(1), int32(10)
	set := &oappsv1.StatefulSet{
		ObjectMeta: meta(name),
		Spec: appsv1.StatefulSetSpec{
			Replicas:            &n,
			Selector:            selects(name),
			ServiceName:         name,
			Template:            template(name),
			PodManagementPolicy: appsv1.OrderedReadyPodManagement,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition, MaxUnavailable: &unavailable},
			},
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
				WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
			},
			RevisionHistoryLimit: &history,
		},
	}
	for _, change := range changes {
		change(set)
	}
	return set
}

// DaemonSet builds a DaemonSet that is rolled node by node and keeps ten old revisions. Its UID is its name.
func DaemonSet(name string, changes ...func(*oappsv1.DaemonSet)) *oappsv1.DaemonSet {
	unavailable, surge, history := intstr.FromInt32(1), intstr.FromInt32(0), int32(10)
	set := &oappsv1.DaemonSet{
		ObjectMeta: meta(name),
		Spec: appsv1.DaemonSetSpec{
			Selector: selects(name),
			Template: template(name),
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type:          appsv1.RollingUpdateDaemonSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &unavailable, MaxSurge: &surge},
			},
			RevisionHistoryLimit: &history,
		},
	}
	for _, change := range changes {
		change(set)
	}
	return set
}

// ReplicationController builds a ReplicationController of n replicas. Its UID is its name.
func ReplicationController(name string, n int32, changes ...func(*ocorev1.ReplicationController)) *ocorev1.ReplicationController {
	t := template(name)
	rc := &ocorev1.ReplicationController{
		ObjectMeta: meta(name),
		Spec: corev1.ReplicationControllerSpec{
			Replicas: &n,
			Selector: map[string]string{"app": name},
			Template: &t,
		},
	}
	rc.Labels = map[string]string{"app": name}
	for _, change := range changes {
		change(rc)
	}
	return rc
}
