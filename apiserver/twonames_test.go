package apiserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver/identity"
)

var (
	orreryDeployments = schema.GroupVersionResource{Group: "apps.orrery.dev", Version: "v1", Resource: "deployments"}
	orreryReplicaSets = schema.GroupVersionResource{Group: "apps.orrery.dev", Version: "v1", Resource: "replicasets"}
	apiServices       = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
	definitions       = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

func podTemplate(labels map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
	}
}

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: podTemplate(labels)},
	}
}

func TestADeploymentIsOneObjectUnderBothNames(t *testing.T) {
	server := shared(t)
	admin, custom := clients(t, server, identity.Admin), untyped(t, server, identity.Admin)
	ns := namespace(t, admin)
	kubernetes, orrery := admin.AppsV1().Deployments(ns), custom.Resource(orreryDeployments).Namespace(ns)

	// same compares what both sides show, and returns what the Kubernetes side shows.
	same := func(wantReplicas int32) *appsv1.Deployment {
		t.Helper()
		one, err := kubernetes.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		other, err := orrery.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if one.UID != other.GetUID() || one.ResourceVersion != other.GetResourceVersion() {
			t.Errorf("UID and resourceVersion are %s, %s under one name and %s, %s under the other",
				one.UID, one.ResourceVersion, other.GetUID(), other.GetResourceVersion())
		}
		replicas, _, err := unstructured.NestedInt64(other.Object, "spec", "replicas")
		if err != nil || int64(*one.Spec.Replicas) != replicas || *one.Spec.Replicas != wantReplicas {
			t.Errorf("replicas are %d under one name and %d under the other (%v), want %d", *one.Spec.Replicas, replicas, err, wantReplicas)
		}
		return one
	}

	// The storage under the second name is made at its first use, and can watch from then on.
	if _, err := orrery.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	created, err := kubernetes.Create(t.Context(), deployment("web"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(0)
	since := metav1.ListOptions{ResourceVersion: created.ResourceVersion}
	kubernetesWatch, err := kubernetes.Watch(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	defer kubernetesWatch.Stop()
	orreryWatch, err := orrery.Watch(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	defer orreryWatch.Stop()

	if _, err := orrery.Patch(t.Context(), "web", types.MergePatchType, []byte(`{"spec":{"replicas":2}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	same(2)
	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: ns}, Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
	if _, err := kubernetes.UpdateScale(t.Context(), "web", scale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	same(3)
	if _, err := orrery.Patch(t.Context(), "web", types.MergePatchType, []byte(`{"spec":{"replicas":4}}`), metav1.PatchOptions{}, "scale"); err != nil {
		t.Fatal(err)
	}
	same(4)
	if _, err := orrery.Patch(t.Context(), "web", types.MergePatchType, []byte(`{"status":{"observedGeneration":7}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	if got := same(4).Status.ObservedGeneration; got != 7 {
		t.Errorf("observedGeneration written under one name reads %d under the other, want 7", got)
	}
	if err := orrery.Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := kubernetes.Get(t.Context(), "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("after the deletion under the other name: %v, want NotFound", err)
	}

	one, other := untilDeleted(t, kubernetesWatch), untilDeleted(t, orreryWatch)
	if !slices.Equal(one, other) || len(one) != 5 {
		t.Errorf("the watches differ, or have not 5 events:\n%v\n%v", one, other)
	}
}

// untilDeleted collects events up to the first deletion.
func untilDeleted(t *testing.T, watching watch.Interface) []string {
	t.Helper()
	var events []string
	for event := range watching.ResultChan() {
		object, err := meta.Accessor(event.Object)
		if err != nil {
			t.Fatalf("after %v: %v", events, apierrors.FromObject(event.Object))
		}
		events = append(events, fmt.Sprint(event.Type, " ", object.GetName(), " ", object.GetResourceVersion()))
		if event.Type == watch.Deleted {
			break
		}
	}
	return events
}

func TestAWatchByWebsocketIsAnsweredByTheSecondName(t *testing.T) {
	server := shared(t)
	ns := namespace(t, clients(t, server, identity.Admin))
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	dial, err := websocket.NewConfig(strings.Replace(config.Host, "https", "wss", 1)+"/apis/apps.orrery.dev/v1/namespaces/"+ns+"/deployments?watch=true", config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if dial.TlsConfig, err = rest.TLSConfigFor(config); err != nil {
		t.Fatal(err)
	}
	ws, err := websocket.DialConfig(dial)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	if _, err := clients(t, server, identity.Admin).AppsV1().Deployments(ns).Create(t.Context(), deployment("web"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var event struct {
		Type   string
		Object unstructured.Unstructured
	}
	if err := websocket.JSON.Receive(ws, &event); err != nil {
		t.Fatal(err)
	}
	if event.Type != "ADDED" || event.Object.GetAPIVersion() != "apps.orrery.dev/v1" || event.Object.GetName() != "web" {
		t.Errorf("the event is %s of %s %s", event.Type, event.Object.GetAPIVersion(), event.Object.GetName())
	}
}

func TestOwnersAreFoundUnderBothNames(t *testing.T) {
	server := shared(t)
	admin, custom := clients(t, server, identity.Admin), untyped(t, server, identity.Admin)
	ns := namespace(t, admin)
	kubernetes, orrery := admin.AppsV1().ReplicaSets(ns), custom.Resource(orreryReplicaSets).Namespace(ns)

	owners := func(deploymentVersion string) []metav1.OwnerReference {
		return []metav1.OwnerReference{
			{APIVersion: deploymentVersion, Kind: "Deployment", Name: "web", UID: "one"},
			{APIVersion: "v1", Kind: "Secret", Name: "web", UID: "two"},
			{APIVersion: "example.org/v1", Kind: "Planet", Name: "saturn", UID: "three"},
		}
	}
	labels := map[string]string{"app": "web"}
	replicaSet := &appsv1.ReplicaSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps.orrery.dev/v1", Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{Name: "from-kubernetes", OwnerReferences: owners("apps/v1")},
		Spec:       appsv1.ReplicaSetSpec{Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: podTemplate(labels)},
	}
	if _, err := kubernetes.Create(t.Context(), replicaSet, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	replicaSet.Name, replicaSet.OwnerReferences = "from-orrery", owners("apps.orrery.dev/v1")
	if _, err := orrery.Create(t.Context(), toUnstructured(t, replicaSet), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"from-kubernetes", "from-orrery"} {
		one, err := kubernetes.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one.OwnerReferences, owners("apps/v1")) {
			t.Errorf("%s: under the Kubernetes name the owners are %v", name, one.OwnerReferences)
		}
		other, err := orrery.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(other.GetOwnerReferences(), owners("apps.orrery.dev/v1")) {
			t.Errorf("%s: under the Orrery name the owners are %v", name, other.GetOwnerReferences())
		}
	}
}

func toUnstructured(t *testing.T, object any) *unstructured.Unstructured {
	t.Helper()
	content, err := unstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}
