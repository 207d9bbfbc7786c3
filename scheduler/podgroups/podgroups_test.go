package podgroups

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

func newPod(name, node string) *corev1.Pod {
	group := "g"
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
	pod.Spec.NodeName = node
	return pod
}

func newGroup(name string) *schedulingv1beta1.PodGroup {
	return &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func served() *Groups {
	groups := New()
	groups.Serve()
	return groups
}

// progress says how many pods are unscheduled, assumed and assigned.
func progress(t *testing.T, in fwk.PodGroupManager) string {
	t.Helper()
	state, err := in.PodGroupStates().Get("default", "g")
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%d unscheduled, %d assumed, %d assigned", len(state.UnscheduledPods()), len(state.AssumedPods()), len(state.AssignedPods()))
}

func TestTheWayOfAPod(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(g *Groups)
		want string
	}{
		{"comes", func(g *Groups) { g.SetPod(newPod("a", "")) }, "1 unscheduled, 0 assumed, 0 assigned"},
		{"is assumed", func(g *Groups) { g.SetPod(newPod("a", "")); g.Assume(newPod("a", "n")) }, "0 unscheduled, 1 assumed, 0 assigned"},
		{"is forgotten", func(g *Groups) {
			g.SetPod(newPod("a", ""))
			g.Assume(newPod("a", "n"))
			g.Forget(newPod("a", "n"))
		}, "1 unscheduled, 0 assumed, 0 assigned"},
		{"is updated while it is assumed", func(g *Groups) {
			g.SetPod(newPod("a", ""))
			g.Assume(newPod("a", "n"))
			g.SetPod(newPod("a", ""))
		}, "0 unscheduled, 1 assumed, 0 assigned"},
		{"is assigned", func(g *Groups) {
			g.SetPod(newPod("a", ""))
			g.Assume(newPod("a", "n"))
			g.SetPod(newPod("a", "n"))
		}, "0 unscheduled, 0 assumed, 1 assigned"},
		{"is assigned by somebody else", func(g *Groups) { g.SetPod(newPod("a", "n")) }, "0 unscheduled, 0 assumed, 1 assigned"},
		{"is forgotten after it was assigned", func(g *Groups) {
			g.SetPod(newPod("a", "n"))
			g.Forget(newPod("a", "n"))
		}, "0 unscheduled, 0 assumed, 1 assigned"},
		{"is deleted before it is assumed", func(g *Groups) {
			g.SetGroup(newGroup("g"))
			g.SetPod(newPod("a", ""))
			g.RemovePod(newPod("a", ""))
			g.Assume(newPod("a", "n"))
		}, "0 unscheduled, 0 assumed, 0 assigned"},
		{"goes with the last that is known of its group", func(g *Groups) {
			g.SetPod(newPod("a", ""))
			g.RemovePod(newPod("a", ""))
		}, "unknown"},
	} {
		t.Run("a pod "+test.name, func(t *testing.T) {
			groups, view := served(), &View{}
			groups.Update(view)
			test.do(groups)
			if got := progress(t, groups); got != test.want {
				t.Errorf("the group has %s, want %s", got, test.want)
			}
			groups.Update(view)
			if got := progress(t, view); got != test.want {
				t.Errorf("a view of the group has %s, want %s", got, test.want)
			}
		})
	}
}

func TestView(t *testing.T) {
	groups, view := served(), &View{}
	groups.SetGroup(newGroup("g"))
	groups.SetPod(newPod("a", ""))
	groups.SetPod(newPod("b", ""))
	groups.Update(view)
	t.Run("does not see what comes later", func(t *testing.T) {
		groups.SetPod(newPod("c", ""))
		if got, want := progress(t, view), "2 unscheduled, 0 assumed, 0 assigned"; got != want {
			t.Errorf("the view has %s, want %s", got, want)
		}
	})
	t.Run("does not show what is assumed in it", func(t *testing.T) {
		view.Assume(newPod("a", "n"))
		if got, want := progress(t, view), "1 unscheduled, 1 assumed, 0 assigned"; got != want {
			t.Errorf("the view has %s, want %s", got, want)
		}
		if got, want := progress(t, groups), "3 unscheduled, 0 assumed, 0 assigned"; got != want {
			t.Errorf("the group has %s, want %s", got, want)
		}
	})
	t.Run("takes back what was assumed in it", func(t *testing.T) {
		view.Restore()
		if got, want := progress(t, view), "2 unscheduled, 0 assumed, 0 assigned"; got != want {
			t.Errorf("the view has %s, want %s", got, want)
		}
	})
	t.Run("is brought up to date also after changes of its own", func(t *testing.T) {
		view.Assume(newPod("a", "n"))
		groups.Update(view)
		if got, want := progress(t, view), "3 unscheduled, 0 assumed, 0 assigned"; got != want {
			t.Errorf("the view has %s, want %s", got, want)
		}
	})
}

func TestGroupsAreUnsupportedUntilTheyAreServed(t *testing.T) {
	groups, view := New(), &View{}
	groups.SetGroup(newGroup("g"))
	groups.Update(view)
	for _, in := range []fwk.PodGroupManager{groups, view} {
		if _, err := in.PodGroups().Get("default", "g"); !errors.Is(err, framework.ErrUnsupported) {
			t.Errorf("%T answers %v, want ErrUnsupported", in, err)
		}
	}
	groups.Serve()
	if _, err := groups.PodGroups().Get("default", "g"); err != nil {
		t.Errorf("once served, the group is answered with: %v", err)
	}
	if _, err := groups.PodGroups().Get("default", "other"); err == nil || errors.Is(err, framework.ErrUnsupported) {
		t.Errorf("an unknown group is answered with %v, want an error of its own", err)
	}
}

func TestHierarchyOfOneGroup(t *testing.T) {
	groups := served()
	groups.SetPod(newPod("a", ""))
	key := fwk.PodGroupKey("default", "g")
	if _, found, err := groups.GetRootKeyForGroup(key); found || err != nil {
		t.Errorf("a group that has not been seen is found: %v, %v", found, err)
	}
	groups.SetGroup(newGroup("g"))
	if root, found, err := groups.GetRootKeyForGroup(key); root != key || !found || err != nil {
		t.Errorf("the root is %v (found: %v, error: %v), want the group itself", root, found, err)
	}
	alone, err := groups.BuildHierarchySnapshotFromPod(newPod("a", ""))
	if err != nil {
		t.Fatal(err)
	}
	groups.RemovePod(newPod("a", ""))
	if got, want := progress(t, alone), "1 unscheduled, 0 assumed, 0 assigned"; got != want {
		t.Errorf("the group as it was has %s, want %s", got, want)
	}
}

func TestGroupsOfGroupsAreNotSupported(t *testing.T) {
	groups, parent := served(), "parent"
	group := newGroup("g")
	group.Spec.ParentCompositePodGroupName = &parent
	groups.SetGroup(group)
	root, found, err := groups.GetRootKeyForGroup(fwk.PodGroupKey("default", "g"))
	if want := fwk.PodGroupKey("default", "g"); root != want || !found || err != nil {
		t.Errorf("the root of a group that names a parent is %v (%v, %v), want %v", root, found, err, want)
	}
	_, _, noRoot := groups.GetRootKeyForGroup(fwk.CompositePodGroupKey("default", parent))
	_, noObject := groups.CompositePodGroups().Get("default", parent)
	_, noState := groups.CompositePodGroupStates().Get("default", parent)
	for what, err := range map[string]error{"its root": noRoot, "its object": noObject, "its state": noState} {
		if !errors.Is(err, framework.ErrUnsupported) || !strings.Contains(err.Error(), parent) {
			t.Errorf("asked for %s: %v, want that %s is not supported", what, err, parent)
		}
	}
}

func TestGroupsCanBeReadWhileTheyChange(t *testing.T) {
	groups := served()
	groups.SetGroup(newGroup("g"))
	state, err := groups.PodGroupStates().Get("default", "g")
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	both.Go(func() {
		for i := range 1000 {
			pod := newPod(fmt.Sprint(i%10), "")
			groups.SetPod(pod)
			groups.Assume(pod)
			groups.RemovePod(pod)
		}
	})
	both.Go(func() {
		view := &View{}
		for range 1000 {
			if count := state.AllPodsCount(); count > 1 {
				t.Errorf("the group has %d pods, want at most 1", count)
			}
			groups.Update(view)
		}
	})
	both.Wait()
}
