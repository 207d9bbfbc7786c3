package server

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// A pod that is a custom resource is gone from the API server while its containers are still being stopped. One of the same name
// may be there by then, on another node or on the same one, and is the one that the API server asks for.
func TestANameIsThatOfThePodWhichTheAPIServerHas(t *testing.T) {
	ca := newAuthority(t)
	twin := func(uid, version, container string, change ...func(*corev1.Pod)) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: types.UID(uid), ResourceVersion: version}}
		pod.Spec.NodeName = "node"
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{
			{Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: container}}},
		}
		for _, c := range change {
			c(pod)
		}
		return pod
	}
	created := func(second int64) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.CreationTimestamp = metav1.Unix(second, 0) }
	}
	deleted := func(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }
	elsewhere := func(pod *corev1.Pod) { pod.Spec.NodeName = "another" }
	for _, test := range []struct {
		name, path string
		pods       []*corev1.Pod
		want       string
	}{
		{"the newer one", "default/web/main", []*corev1.Pod{twin("1", "99", "old"), twin("2", "100", "new")}, "new"},
		{"the newer one, though it ends as well", "default/web/main", []*corev1.Pod{twin("1", "99", "old"), twin("2", "100", "new", deleted)}, "new"},
		{"the one made later, where nothing else is known", "default/web/main", []*corev1.Pod{twin("1", "", "old", created(1)), twin("2", "", "new", created(2))}, "new"},
		{"the one that is alive, where nothing else is known", "default/web/main", []*corev1.Pod{twin("1", "", "old", deleted), twin("2", "", "new")}, "new"},
		{"the only one that is here", "default/web/main", []*corev1.Pod{twin("1", "99", "here"), twin("2", "100", "new", elsewhere)}, "here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, order := range []string{"in order", "in the other order"} {
				url := startServer(t, ca, &reviews{allowed: map[string]bool{"api get nodes/proxy": true}}, test.pods, simulated.New(simulated.Options{}))
				_, body := get(t, ca.client(t, "api"), url+"/containerLogs/"+test.path)
				if want := "waiting to start: " + test.want; !strings.HasSuffix(body, want) {
					t.Errorf("%s: got %q, want %q", order, body, want)
				}
				slices.Reverse(test.pods)
			}
		})
	}
}

func TestAUIDNamesItsOwnPod(t *testing.T) {
	old := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1", ResourceVersion: "99"}}
	young := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "2", ResourceVersion: "100"}}
	pods := []*corev1.Pod{old, young}
	for uid, want := range map[string]*corev1.Pod{"1": old, "2": young, "": young} {
		if got := current(pods, "default", "web", uid); got != want {
			t.Errorf("the pod with the UID %q is %v", uid, got)
		}
	}
	if got := current(pods, "default", "web", "3"); got != nil {
		t.Errorf("there is a pod with the UID 3: %v", got)
	}
}
