// Package conditionsof is the table of the kinds whose status has conditions, and of where the parts of those are:
//
//	conditionsof.Deployment.Set(d.Status.Conditions, appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, ...}, now)
//	conditionsof.Pod.True(pod.Status.Conditions, corev1.PodReady)
//
// What can be done with them, and what it promises, package framework/conditions says. Kinds that other packages of Kubernetes
// give a metav1.Condition, as a PodDisruptionBudget, stand here too, so that all are found in one place.
//
// It never says what a condition means.
package conditionsof
