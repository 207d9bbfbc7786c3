package system_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestEveryNamespaceHasAnAccountAndTheRootCA(t *testing.T) {
	namespace := namespaceOf(t)
	account := &corev1.ServiceAccount{}
	await.Success(t, "the ServiceAccount exists", func() error {
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "default"}, account)
	})
	published := &corev1.ConfigMap{}
	read := func() error {
		err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "kube-root-ca.crt"}, published)
		if err == nil && !strings.Contains(published.Data["ca.crt"], "BEGIN CERTIFICATE") {
			err = fmt.Errorf("data is %v", published.Data)
		}
		return err
	}
	await.Success(t, "the root CA is published", read)

	published.Data = map[string]string{"ca.crt": "mine"}
	if err := cluster.Update(t.Context(), published); err != nil {
		t.Fatal(err)
	}
	remove(t, account, metav1.DeletePropagationBackground)
	await.Success(t, "the root CA is mended", read)
	await.Success(t, "the ServiceAccount is back", func() error {
		return cluster.Get(t.Context(), client.ObjectKeyFromObject(account), account)
	})
	remove(t, namespace, metav1.DeletePropagationBackground)
	await.Success(t, "the namespace is gone", gone(t, namespace))
}

func TestADeletedNamespaceSaysWhatKeepsIt(t *testing.T) {
	namespace := namespaceOf(t)
	kept := configMap(namespace.Name, "kept")
	kept.Finalizers = []string{"example.com/keep"}
	lost := configMap(namespace.Name, "lost")
	create(t, kept, lost)
	remove(t, namespace, metav1.DeletePropagationBackground)
	await.Success(t, "what has no finalizer is gone", gone(t, lost))
	await.Success(t, "the conditions say what is left", func() error {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace); err != nil {
			return err
		}
		return expectConditions(namespace, map[corev1.NamespaceConditionType]string{
			corev1.NamespaceDeletionDiscoveryFailure: "False: All resources successfully discovered",
			corev1.NamespaceDeletionGVParsingFailure: "False: All legacy kube types successfully parsed",
			corev1.NamespaceDeletionContentFailure:   "False: All content successfully deleted, may be waiting on finalization",
			corev1.NamespaceContentRemaining:         "True: Some resources are remaining: configmaps. has 1 resource instances",
			corev1.NamespaceFinalizersRemaining:      "True: Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances",
		})
	})
	if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(kept), kept); err != nil {
		t.Fatal(err)
	}
	kept.Finalizers = nil
	if err := cluster.Update(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the namespace is gone", gone(t, namespace))
}

func TestPodsGoBeforeTheRestOfTheirNamespace(t *testing.T) {
	namespace := namespaceOf(t)
	await.Success(t, "the ServiceAccount exists", func() error {
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "default"}, &corev1.ServiceAccount{})
	})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "web", Finalizers: []string{"example.com/keep"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
	}
	needed := configMap(namespace.Name, "needed")
	create(t, unstructuredOf(t, "v1", "Pod", pod), needed)
	remove(t, namespace, metav1.DeletePropagationBackground)
	await.Success(t, "the namespace waits for the Pod", func() error {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace); err != nil {
			return err
		}
		return expectConditions(namespace, map[corev1.NamespaceConditionType]string{
			corev1.NamespaceContentRemaining: "True: Some resources are remaining: pods. has 1 resource instances",
		})
	})
	if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(needed), needed); err != nil {
		t.Fatalf("what the Pod may need is gone before it: %v", err)
	}
	release(t, "v1", "Pod", pod)
	await.Success(t, "the namespace is gone", gone(t, namespace))
}

func TestANamespaceWaitsForAGroupThatDoesNotAnswer(t *testing.T) {
	group := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1.silent.example.com"},
		"spec": map[string]any{
			"group": "silent.example.com", "version": "v1", "insecureSkipTLSVerify": true,
			"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"service": map[string]any{"namespace": "default", "name": "absent"},
		},
	}}
	create(t, group)
	namespace := namespaceOf(t)
	lost := configMap(namespace.Name, "lost")
	create(t, lost)
	remove(t, namespace, metav1.DeletePropagationBackground)
	await.Success(t, "what the other groups have is gone", gone(t, lost))
	await.Success(t, "the conditions name the group", func() error {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace); err != nil {
			return err
		}
		for _, condition := range namespace.Status.Conditions {
			if condition.Type == corev1.NamespaceDeletionDiscoveryFailure && condition.Status == corev1.ConditionTrue &&
				strings.HasPrefix(condition.Message, "Discovery failed for some groups, 1 failing: ") && strings.Contains(condition.Message, "silent.example.com/v1") {
				return nil
			}
		}
		return fmt.Errorf("they are %v", namespace.Status.Conditions)
	})
	remove(t, group, metav1.DeletePropagationBackground)
	await.Success(t, "the namespace is gone", gone(t, namespace))
}

func expectConditions(namespace *corev1.Namespace, expected map[corev1.NamespaceConditionType]string) error {
	found := map[corev1.NamespaceConditionType]string{}
	for _, condition := range namespace.Status.Conditions {
		found[condition.Type] = fmt.Sprintf("%s: %s", condition.Status, condition.Message)
	}
	for kind, want := range expected {
		if found[kind] != want {
			return fmt.Errorf("condition %s is %q, want %q", kind, found[kind], want)
		}
	}
	return nil
}
