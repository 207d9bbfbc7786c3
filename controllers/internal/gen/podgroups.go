package gen

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
)

// PodGroup builds a group whose pods are scheduled one by one. Its UID is its name.
func PodGroup(name string, changes ...func(*oschedulingv1beta1.PodGroup)) *oschedulingv1beta1.PodGroup {
	group := &oschedulingv1beta1.PodGroup{ObjectMeta: meta(name)}
	group.Spec.SchedulingPolicy.Basic = &schedulingv1beta1.BasicSchedulingPolicy{}
	for _, change := range changes {
		change(group)
	}
	return group
}

// InPodGroup puts a pod into a group.
func InPodGroup(group string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group} }
}
