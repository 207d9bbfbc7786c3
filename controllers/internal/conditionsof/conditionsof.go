package conditionsof

import (
	"github.com/orrery-dev/orrery/framework/conditions"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workloads, and what sizes and guards them.
var (
	Deployment = of(func(c *appsv1.DeploymentCondition) (appsv1.DeploymentConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	ReplicaSet = of(func(c *appsv1.ReplicaSetCondition) (appsv1.ReplicaSetConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	StatefulSet = of(func(c *appsv1.StatefulSetCondition) (appsv1.StatefulSetConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	DaemonSet = of(func(c *appsv1.DaemonSetCondition) (appsv1.DaemonSetConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	Job = of(func(c *batchv1.JobCondition) (batchv1.JobConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	ReplicationController = of(func(c *corev1.ReplicationControllerCondition) (corev1.ReplicationControllerConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	HorizontalPodAutoscaler = of(func(c *autoscalingv2.HorizontalPodAutoscalerCondition) (autoscalingv2.HorizontalPodAutoscalerConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	PodDisruptionBudget = conditions.Meta
)

// What workloads run on, live in and ask for.
var (
	Pod = of(func(c *corev1.PodCondition) (corev1.PodConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	Node = of(func(c *corev1.NodeCondition) (corev1.NodeConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	Namespace = of(func(c *corev1.NamespaceCondition) (corev1.NamespaceConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	PersistentVolumeClaim = of(func(c *corev1.PersistentVolumeClaimCondition) (corev1.PersistentVolumeClaimConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	CertificateSigningRequest = of(func(c *certificatesv1.CertificateSigningRequestCondition) (certificatesv1.RequestConditionType, corev1.ConditionStatus, *metav1.Time) {
		return c.Type, c.Status, &c.LastTransitionTime
	})
	Service = conditions.Meta
)

// of takes the parts of a condition in the types that they have.
func of[C any, K, S ~string](parts func(*C) (K, S, *metav1.Time)) conditions.Of[C, K] {
	return func(c *C) (K, string, *metav1.Time) {
		kind, status, changed := parts(c)
		return kind, string(status), changed
	}
}
