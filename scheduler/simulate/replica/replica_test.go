package replica

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
)

// still is a cluster with one pod.
type still struct{ reads int }

func (s *still) List(_ context.Context, resource schema.GroupVersionResource) ([]*unstructured.Unstructured, error) {
	if s.reads++; resource.Resource != "pods" {
		return nil, nil
	}
	return []*unstructured.Unstructured{{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"namespace": "default", "name": "old", "uid": "1", "labels": map[string]any{"app": "web"}},
		"spec":     map[string]any{"nodeName": "", "containers": []any{map[string]any{"name": "app", "image": "web"}}},
	}}}, nil
}

func clientOf(t *testing.T, r *Replica) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(r.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAClientSeesACluster(t *testing.T) {
	origin := &still{}
	r := New(origin)
	pods := clientOf(t, r).CoreV1().Pods("default")
	watch, err := pods.Watch(t.Context(), metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	steps := []struct {
		name string
		do   func() error
		want string // of the watch
	}{
		{"create", func() error {
			_, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "new", Labels: map[string]string{"app": "web"}}}, metav1.CreateOptions{})
			return err
		}, "ADDED new  "},
		{"bind", func() error {
			return pods.Bind(t.Context(), &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "old", UID: "1"}, Target: corev1.ObjectReference{Name: "node-1"}}, metav1.CreateOptions{})
		}, "MODIFIED old node-1 "},
		{"patch the status", func() error {
			patch := `{"status":{"conditions":[{"type":"Ready","status":"True"}],"phase":"Running"}}`
			_, err := pods.Patch(t.Context(), "old", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
			return err
		}, "MODIFIED old node-1 Running"},
		{"delete", func() error { return pods.Delete(t.Context(), "old", metav1.DeleteOptions{}) }, "DELETED old node-1 Running"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		select {
		case event := <-watch.ResultChan():
			pod := event.Object.(*corev1.Pod)
			if got := strings.Join([]string{string(event.Type), pod.Name, pod.Spec.NodeName, string(pod.Status.Phase)}, " "); got != step.want {
				t.Errorf("%s: watched %q, want %q", step.name, got, step.want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nothing was watched", step.name)
		}
	}
	list, err := pods.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "new" {
		t.Errorf("listed %v (%v), want the new pod", list.Items, err)
	}
	if origin.reads != 1 {
		t.Errorf("the cluster was read %d times, want once", origin.reads)
	}
}

func TestErrorsAreThoseOfAnAPIServer(t *testing.T) {
	client := clientOf(t, New(&still{}))
	pods := client.CoreV1().Pods("default")
	_, err := pods.Get(t.Context(), "absent", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("reading what is absent: %v, want not found", err)
	}
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "old"}, Target: corev1.ObjectReference{Name: "a"}}
	if err := pods.Bind(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Bind(t.Context(), binding, metav1.CreateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("binding twice: %v, want a conflict", err)
	}
	old, err := pods.Get(t.Context(), "old", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pods.UpdateStatus(t.Context(), old, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := pods.Update(t.Context(), old, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("updating what has changed: %v, want a conflict", err)
	}
}

// TestACopyIsOnlyRead holds that nothing but GET reaches the cluster, and that custom resources are shown as Kubernetes' own.
func TestACopyIsOnlyRead(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"apiVersion": "core.orrery.dev/v1", "kind": "PodList", "metadata": {}, "items": [
			{"apiVersion": "core.orrery.dev/v1", "kind": "Pod", "metadata": {"namespace": "default", "name": "web",
			 "ownerReferences": [{"apiVersion": "apps.orrery.dev/v1", "kind": "ReplicaSet", "name": "web", "uid": "7"}]}}]}`))
	}))
	defer server.Close()
	origin, err := Of(&rest.Config{Host: server.URL}, apis.Orrery)
	if err != nil {
		t.Fatal(err)
	}
	r := New(origin)
	pods := clientOf(t, r).CoreV1().Pods("default")
	pod, err := pods.Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if pod.OwnerReferences[0].APIVersion != "apps/v1" {
		t.Errorf("the owner is of %s, want apps/v1", pod.OwnerReferences[0].APIVersion)
	}
	if err := pods.Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, ", "); got != "GET /apis/core.orrery.dev/v1/pods" {
		t.Errorf("the cluster was asked %s", got)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := (readOnly{http.DefaultTransport}).RoundTrip(request); err == nil {
		t.Errorf("a DELETE was let through: %s", errors.Join(errors.New(response.Status), response.Body.Close()))
	}
}
