package apiserver_test

import (
	"encoding/json"
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
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd"
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

func TestServerSideApplyWorksFromBothSides(t *testing.T) {
	server := shared(t)
	admin, custom := clients(t, server, identity.Admin), untyped(t, server, identity.Admin)
	ns := namespace(t, admin)
	kubernetes, orrery := admin.AppsV1().Deployments(ns), custom.Resource(orreryDeployments).Namespace(ns)
	if _, err := kubernetes.Create(t.Context(), deployment("web"), metav1.CreateOptions{FieldManager: "creator"}); err != nil {
		t.Fatal(err)
	}

	label := func(key string) *applyappsv1.DeploymentApplyConfiguration {
		return applyappsv1.Deployment("web", ns).WithLabels(map[string]string{key: "yes"})
	}
	if _, err := kubernetes.Apply(t.Context(), label("moon"), metav1.ApplyOptions{FieldManager: "one"}); err != nil {
		t.Fatal(err)
	}
	other := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps.orrery.dev/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "labels": map[string]any{"ring": "yes"}},
	}}
	if _, err := orrery.Apply(t.Context(), "web", other, metav1.ApplyOptions{FieldManager: "two"}); err != nil {
		t.Fatal(err)
	}

	t.Run("a field of the other side's manager is a conflict", func(t *testing.T) {
		stolen := other.DeepCopy()
		stolen.SetLabels(map[string]string{"ring": "yes", "moon": "no"})
		_, err := orrery.Apply(t.Context(), "web", stolen, metav1.ApplyOptions{FieldManager: "two"})
		if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `"one"`) {
			t.Errorf("got %v, want a conflict with manager \"one\"", err)
		}
	})
	t.Run("a field that its manager no longer applies goes away, whichever side it came from", func(t *testing.T) {
		if _, err := kubernetes.Apply(t.Context(), label("tide"), metav1.ApplyOptions{FieldManager: "one"}); err != nil {
			t.Fatal(err)
		}
		if _, err := kubernetes.Apply(t.Context(), applyappsv1.Deployment("web", ns), metav1.ApplyOptions{FieldManager: "two"}); err != nil {
			t.Fatal(err)
		}
		got, err := kubernetes.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Labels) != 1 || got.Labels["tide"] != "yes" {
			t.Errorf("labels are %v, want tide alone", got.Labels)
		}
	})
	t.Run("each side names the versions of managed fields as its own", func(t *testing.T) {
		one, err := kubernetes.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := orrery.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(one.ManagedFields) == 0 || len(one.ManagedFields) != len(shown.GetManagedFields()) {
			t.Fatalf("there are %d entries under one name and %d under the other", len(one.ManagedFields), len(shown.GetManagedFields()))
		}
		for i, entry := range one.ManagedFields {
			if got := shown.GetManagedFields()[i].APIVersion; entry.APIVersion != "apps/v1" || got != "apps.orrery.dev/v1" {
				t.Errorf("entry of %s: %s under one name, %s under the other", entry.Manager, entry.APIVersion, got)
			}
		}
	})
}

func TestEveryKindIsServedUnderBothNames(t *testing.T) {
	server := shared(t)
	custom := untyped(t, server, identity.Admin)
	for _, kind := range apis.Kinds() {
		for _, naming := range apis.Namings() {
			resource := kind.GroupVersionResource(naming)
			if resource.Group == "scheduling.k8s.io" {
				continue // Kubernetes serves these only behind a feature gate
			}
			if _, err := custom.Resource(resource).List(t.Context(), metav1.ListOptions{}); err != nil {
				t.Errorf("listing %s: %v", resource, err)
			}
		}
	}
}

func TestAServiceMadeUnderTheKubernetesNameHasItsAddressesUnderTheOther(t *testing.T) {
	server := shared(t)
	admin, custom := clients(t, server, identity.Admin), untyped(t, server, identity.Admin)
	ns := namespace(t, admin)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	created, err := admin.CoreV1().Services(ns).Create(t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if created.Spec.ClusterIP == "" || created.Spec.Ports[0].NodePort == 0 {
		t.Errorf("cluster IP %q and node port %d were not allocated", created.Spec.ClusterIP, created.Spec.Ports[0].NodePort)
	}
	shown, err := custom.Resource(schema.GroupVersionResource{Group: "core.orrery.dev", Version: "v1", Resource: "services"}).
		Namespace(ns).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ip, _, err := unstructured.NestedString(shown.Object, "spec", "clusterIP"); err != nil || ip != created.Spec.ClusterIP {
		t.Errorf("cluster IP is %q under the other name (%v), want %q", ip, err, created.Spec.ClusterIP)
	}
}

// TestObjectsAreStoredAsKubernetesStoresThem hands an etcd from a server that knows nothing of second names to one that
// serves them, and back.
func TestObjectsAreStoredAsKubernetesStoresThem(t *testing.T) {
	store, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Stop(); err != nil {
			t.Error(err)
		}
	})
	there := &apiserver.ExternalEtcd{Endpoints: []string{store.Endpoint()}}
	plain := apiserver.Options{Ephemeral: true, Etcd: there}

	first := start(t, plain)
	if _, err := clients(t, first, identity.Admin).AppsV1().Deployments("default").Create(t.Context(), deployment("old"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	second := start(t, apiserver.Options{Ephemeral: true, Etcd: there, TwoNames: true})
	other := untyped(t, second, identity.Admin).Resource(orreryDeployments).Namespace("default")
	if _, err := other.Get(t.Context(), "old", metav1.GetOptions{}); err != nil {
		t.Errorf("what was there is not seen by its second name: %v", err)
	}
	made := toUnstructured(t, deployment("new"))
	made.SetAPIVersion("apps.orrery.dev/v1")
	made.SetKind("Deployment")
	if _, err := other.Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}

	third := start(t, plain)
	for _, name := range []string{"old", "new"} {
		if _, err := clients(t, third, identity.Admin).AppsV1().Deployments("default").Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Errorf("after it was handed back: %v", err)
		}
	}
}

func TestSchemasOfSecondNamesHaveDescriptions(t *testing.T) {
	server := shared(t)
	paths, err := clients(t, server, identity.Admin).Discovery().OpenAPIV3().Paths()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"apis/apps.orrery.dev/v1", "apis/core.orrery.dev/v1"} {
		document, err := paths[kind].Schema("application/json")
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Paths      map[string]any
			Components struct {
				Schemas map[string]struct {
					Description string
					Kinds       []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
				}
			}
		}
		if err := json.Unmarshal(document, &schema); err != nil {
			t.Fatal(err)
		}
		group := strings.Split(kind, "/")[1]
		described := 0
		for _, s := range schema.Components.Schemas {
			if len(s.Kinds) == 1 && s.Kinds[0].Group == group && s.Description != "" {
				described++
			}
		}
		if described < 5 {
			t.Errorf("%s describes %d kinds", kind, described)
		}
		for path := range schema.Paths {
			if !strings.HasPrefix(path, "/"+kind+"/") {
				t.Errorf("%s has the path %s", kind, path)
			}
		}
	}
}

func TestTheDefinitionOfASecondNameCannotBeDeleted(t *testing.T) {
	server := shared(t)
	custom := untyped(t, server, identity.Admin).Resource(definitions)
	err := custom.Delete(t.Context(), "deployments.apps.orrery.dev", metav1.DeleteOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "two names for the same objects") {
		t.Errorf("deleting one: got %v, want a refusal that says why", err)
	}
	err = custom.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("deleting all: got %v, want a refusal", err)
	}
	list, err := custom.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != len(apis.Kinds()) {
		t.Errorf("there are %d definitions left (%v), want %d", len(list.Items), err, len(apis.Kinds()))
	}
}

func TestAServerKeepsTheDefinitionsThatItWasSeededWith(t *testing.T) {
	custom := untyped(t, shared(t), identity.Admin).Resource(definitions)
	list, err := custom.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range list.Items {
		if fields := definition.GetManagedFields(); len(fields) != 0 {
			t.Errorf("%s was written again by %s", definition.GetName(), fields[0].Manager)
		}
	}
}

func TestADefinitionOfAnotherReleaseIsBroughtUpToDate(t *testing.T) {
	options := apiserver.Options{DataDir: t.TempDir(), Ephemeral: true, TwoNames: true}
	const name = "ingressclasses.networking.orrery.dev"
	first := start(t, options)
	old := `{"metadata":{"annotations":{"orrery.dev/definition-checksum":"another"}},"spec":{"names":{"shortNames":["old"]}}}`
	config, err := first.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	config.Impersonate.UserName, config.Impersonate.Groups = "system:apiserver", []string{"system:masters"} // who may
	server, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Resource(definitions).Patch(t.Context(), name, types.MergePatchType, []byte(old), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	found, err := untyped(t, start(t, options), identity.Admin).Resource(definitions).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	shortNames, _, err := unstructured.NestedStringSlice(found.Object, "spec", "names", "shortNames")
	if err != nil || slices.Contains(shortNames, "old") || found.GetAnnotations()["orrery.dev/definition-checksum"] == "another" {
		t.Errorf("it still is that of the other release: %v, %v", shortNames, found.GetAnnotations())
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
