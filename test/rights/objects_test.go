package rights_test

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// deployment is one whose pods read a ConfigMap and a Secret.
func deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	template := pod("", "").Spec
	template.Containers[0].EnvFrom = []corev1.EnvFromSource{
		{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Optional: new(true)}},
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "password"}, Optional: new(true)}},
	}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: template},
		},
	}
}

// pod is one that does not outlive its node for long.
func pod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "web", Image: "web:1"}},
			Tolerations: []corev1.Toleration{
				{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoExecute, Operator: corev1.TolerationOpExists, TolerationSeconds: new(int64(1))},
			},
		},
	}
}

func (s *session) available(t *testing.T, deployment *appsv1.Deployment) {
	t.Helper()
	await.Until(t, deployment.Name+" to have rolled out", func() (string, bool) {
		now := &appsv1.Deployment{}
		err := s.Get(t.Context(), client.ObjectKeyFromObject(deployment), now)
		status, wanted := now.Status, *deployment.Spec.Replicas
		return fmt.Sprintf("%+v %v", status, err), status.ObservedGeneration >= deployment.Generation &&
			status.AvailableReplicas == wanted && status.UpdatedReplicas == wanted && status.Replicas == wanted
	})
}

func planets() *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: "planets.example.org"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.org",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "planets", Singular: "planet", Kind: "Planet", ListKind: "PlanetList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object"}},
			}},
		},
	}
}

// planet is in the namespace of a sun, which owns it if it exists.
func planet(name string, sun *corev1.ConfigMap) *unstructured.Unstructured {
	planet := &unstructured.Unstructured{}
	planet.SetAPIVersion("example.org/v1")
	planet.SetKind("Planet")
	planet.SetNamespace(sun.Namespace)
	planet.SetName(name)
	if sun.UID != "" {
		planet.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: sun.Name, UID: sun.UID}})
	}
	return planet
}
