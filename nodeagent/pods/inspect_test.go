package pods

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/framework/engine"
)

func TestAnInspectorLooksOnAllNodes(t *testing.T) {
	one, two := newStage(false), newStage(false)
	nodes := Inspect(one.loop, two.loop)
	one.create("web", func(pod *corev1.Pod) { pod.CreationTimestamp = metav1.NewTime(start) })
	two.create("db", nil)
	for _, s := range []*stage{one, two} {
		if err := s.turn(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(nodes.Keys(), " "), "default/db default/web"; got != want {
		t.Errorf("the keys are %s, want %s", got, want)
	}
	shows := func(key, want string) {
		t.Helper()
		before := one.state() + two.state()
		for range 2 { // a look changes nothing
			if plan, err := nodes.Preview(t.Context(), key); err != nil || plan != want {
				t.Errorf("the plan for %s is\n%s\n(%v), want\n%s", key, plan, err, want)
			}
		}
		if one.state()+two.state() != before {
			t.Error("a look has changed something")
		}
	}
	shows("default/db", "create sandbox 0: the pod has none")
	if recent := nodes.Recent("default/db"); len(recent) != 1 || !strings.HasPrefix(recent[0].Plan, "write the pod's status: the pod is Pending, 0 of 1 containers ready\nprepare ") {
		t.Errorf("what was done is %+v", recent)
	}
	// The name moves to the other node, while this one still stops what had it before.
	if err := one.turn(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	shows("default/web", "nothing to do")
	for uid := range one.server.pods {
		one.loop.Remove(uid)
	}
	shows("default/web", "stop container main with 30s of grace: the pod is gone")
	two.create("web", func(pod *corev1.Pod) { pod.CreationTimestamp = metav1.NewTime(start.Add(-time.Hour)) })
	two.hear(t.Context())
	shows("default/web", "write the pod's status: the pod is Pending, 0 of 1 containers ready\nprepare directories and volumes: the pod is about to start")
}

func TestWhoFollowsTheInspectorHearsOfAllNodesByThePodsNames(t *testing.T) {
	one, two := newStage(false), newStage(false)
	nodes := Inspect(one.loop, two.loop)
	told := map[string]string{}
	nodes.Follow(func(key string, pass engine.Pass) { told[key] += pass.Plan })
	one.create("web", nil)
	two.create("db", nil)
	for _, s := range []*stage{one, two} {
		if err := s.turn(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"default/web", "default/db"} {
		if !strings.HasPrefix(told[key], "write the pod's status: ") {
			t.Errorf("of %s it told %q", key, told[key])
		}
	}
	if len(told) != 2 {
		t.Errorf("told of %v, want two pods", told)
	}
}

func TestAnInspectorSaysThatThereIsNoSuchPod(t *testing.T) {
	nodes := Inspect(newStage(true).loop)
	if _, err := nodes.Preview(t.Context(), "default/web"); !errors.Is(err, engine.ErrGone) {
		t.Errorf("of a pod that is nowhere it says %v", err)
	}
	if _, err := nodes.Preview(t.Context(), "web"); err == nil || errors.Is(err, engine.ErrGone) {
		t.Errorf("of a name without a namespace it says %v", err)
	}
	if recent := nodes.Recent("default/web"); recent != nil {
		t.Errorf("of a pod that is nowhere it has %v", recent)
	}
}
