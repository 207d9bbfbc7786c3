package server

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

func TestWhatTheRuntimeSaysOfACheckpointIsPassedOn(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Spec.NodeName = "web", "default", "node"
	pod.Spec.Containers = []corev1.Container{{Name: "main"}, {Name: "waiting"}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{
		{Name: "main", ContainerID: "simulated://c", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, {Name: "waiting"},
	}
	handler := configured(func(o *Options) {
		o.CheckpointDir = t.TempDir()
		o.Pods = func() []*corev1.Pod { return []*corev1.Pod{pod} }
		o.Node = func(name string) (Node, bool) {
			return Node{Runtime: simulated.New(simulated.Options{})}, name == "node"
		}
	})
	for _, test := range []struct {
		name, method, path string
		code               int
		want               string
	}{
		{"a runtime that cannot", http.MethodPost, "default/web/main", http.StatusInternalServerError,
			"checkpointing of default/web/main failed (rpc error: code = Unimplemented desc = a simulated container cannot be checkpointed)"},
		{"a container that there is not", http.MethodPost, "default/web/other", http.StatusNotFound, "container other does not exist"},
		{"a container that does not run", http.MethodPost, "default/web/waiting", http.StatusNotFound, `container not found ("waiting")`},
		{"a pod that there is not", http.MethodPost, "default/none/main", http.StatusNotFound, `pod "default/none" not found`},
		{"a time that is none", http.MethodPost, "default/web/main?timeout=soon", http.StatusBadRequest, "cannot parse value of timeout parameter"},
		{"another method", http.MethodGet, "default/web/main", http.StatusMethodNotAllowed, "Method Not Allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if code, body := ask(t, handler, test.method, "/checkpoint/"+test.path); code != test.code || !strings.Contains(body, test.want) {
				t.Errorf("got %d %s, want %d %s", code, body, test.code, test.want)
			}
		})
	}
}
