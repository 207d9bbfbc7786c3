package envtest_test

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
)

func TestWithAllPartsADeploymentRollsOutAndANamespaceGoesAway(t *testing.T) {
	te := &envtest.Environment{Controllers: true, Scheduler: true, SimulatedNodes: 2}
	set := typed(t, start(t, te))
	ns := te.Namespace(t)
	replicas, labels := int32(3), map[string]string{"app": "web"}
	_, err := set.AppsV1().Deployments(ns).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	await.Until(t, "3 available replicas", func() (string, bool) {
		web, err := set.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%+v", web.Status), web.Status.AvailableReplicas == 3
	})
	if err := set.AppsV1().Deployments(ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the collection of what the Deployment owned", func() (string, bool) {
		pods, err := set.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%d pods", len(pods.Items)), len(pods.Items) == 0
	})
	if err := set.CoreV1().Namespaces().Delete(t.Context(), ns, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the end of the namespace", func() (string, bool) {
		found, err := set.CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{})
		return fmt.Sprintf("%+v, %v", found.Status, err), apierrors.IsNotFound(err)
	})
}
