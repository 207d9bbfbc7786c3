package pods

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/admission"
)

// twoCPUs is a node with two CPUs.
var twoCPUs = admission.Room(corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")})

// pending is a pod that was allocated some CPU and wants some; the same if nothing is pending.
func pending(name, has, wants string, changes ...func(*corev1.Pod)) contender {
	of := func(cpu string) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
		list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
		pod.Spec.Containers = []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: list}}}
		for _, change := range changes {
			change(pod)
		}
		return pod
	}
	c := contender{allocated: of(has)}
	if c.wanted = c.allocated; wants != has {
		c.wanted = of(wants)
	}
	return c
}

func TestWhoGetsTheRoom(t *testing.T) {
	important := func(pod *corev1.Pod) { pod.Spec.Priority = ptr.To[int32](1000) }
	guaranteed := func(pod *corev1.Pod) {
		r := &pod.Spec.Containers[0].Resources
		r.Requests[corev1.ResourceMemory] = resource.MustParse("1Mi")
		r.Limits = r.Requests.DeepCopy()
	}
	since := func(minutes int) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, LastTransitionTime: metav1.NewTime(start.Add(time.Duration(minutes) * time.Minute))}}
		}
	}
	still := func(cpu string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			has := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Resources: &corev1.ResourceRequirements{Requests: has}}}
		}
	}
	fixed := func(wanted, allocated *corev1.Pod) string {
		if allocated.Name == "a" && len(allocated.Status.ContainerStatuses) > 0 && wanted != allocated {
			return "as it was"
		}
		return ""
	}
	const short = "Deferred: Node didn't have enough resource: cpu, requested: %d, used: %d, capacity: 2000"
	for _, test := range []struct {
		name string
		all  []contender
		want string // about the pod a
	}{
		{"there is room", []contender{pending("a", "1", "1500m"), pending("b", "500m", "500m")}, ""},
		{"there is none beside another", []contender{pending("a", "1", "1500m"), pending("b", "1", "1")}, fmt.Sprintf(short, 1500, 1000)},
		{"there never will be", []contender{pending("a", "1", "3")}, fmt.Sprintf(short, 3000, 0)},
		{"another is to give some back", []contender{pending("a", "1", "1500m"), pending("b", "1", "500m")}, ""},
		{"but has not yet", []contender{pending("a", "1", "1500m"), pending("b", "500m", "500m", still("1"))}, fmt.Sprintf(short, 1500, 1000)},
		{"less is no question of priority", []contender{pending("a", "1", "500m"), pending("b", "1", "1500m", important)}, ""},
		{"a more important one comes first", []contender{pending("a", "500m", "1500m"), pending("b", "500m", "1500m", important)}, fmt.Sprintf(short, 1500, 1500)},
		{"a guaranteed one comes first", []contender{pending("a", "500m", "1500m"), pending("b", "500m", "1500m", guaranteed)}, fmt.Sprintf(short, 1500, 1500)},
		{"who has waited longer comes first", []contender{pending("a", "500m", "1500m", since(2)), pending("b", "500m", "1500m", since(1))}, fmt.Sprintf(short, 1500, 1500)},
		{"which may be this one", []contender{pending("a", "500m", "1500m", since(1)), pending("b", "500m", "1500m", since(2))}, ""},
		{"one that cannot have it takes nothing from those after it", []contender{pending("a", "500m", "1500m"), pending("b", "500m", "5", important)}, ""},
		{"its class would change", []contender{{allocated: pending("a", "1", "1").allocated, wanted: pending("a", "1", "1", guaranteed).wanted}},
			"Infeasible: Pod QOS Class may not change as a result of resizing"},
		{"it is of those that are not resized", []contender{pending("a", "1", "1500m", still("1")), pending("b", "100m", "200m")}, "Infeasible: as it was"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if why := refusal("a", test.all, twoCPUs, fixed); why != nil {
				got = why.Reason + ": " + why.Message
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestADeferredResizeGetsRoomThatComes(t *testing.T) {
	s := newStage(true)
	s.admit = twoCPUs
	s.restart()
	sized := func(cpu string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Spec.Containers[0].Resources = amounts(cpu, "16Mi") }
	}
	first, second := s.create("first", sized("1")), s.create("second", sized("1"))
	turn(t, s)
	s.resize(first, sized("1500m"))
	turn(t, s)
	want := "PodResizePending Deferred 1 Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"
	if got := resizeCondition(s.server.pods[first]); got != want {
		t.Fatalf("it says %q, want %q", got, want)
	}
	if got := s.server.pods[first].Status.ContainerStatuses[0].Resources.Requests.Cpu().String(); got != "1" {
		t.Errorf("meanwhile it has %s CPUs", got)
	}
	s.restart() // nothing that was allocated is forgotten: the pod does not get its room by that
	turn(t, s)
	if got := resizeCondition(s.server.pods[first]); got != want {
		t.Errorf("after a restart it says %q, want %q", got, want)
	}
	s.resize(second, sized("500m"))
	turn(t, s)
	if got := s.server.pods[first].Status.ContainerStatuses[0].Resources.Requests.Cpu().String(); got != "1500m" || resizeCondition(s.server.pods[first]) != "" {
		t.Errorf("with room it has %s CPUs, and says %q", got, resizeCondition(s.server.pods[first]))
	}
	if got := s.told("ResizeDeferred", "ResizeStarted", "ResizeCompleted"); got != "ResizeDeferred, ResizeDeferred, ResizeStarted, ResizeStarted, ResizeCompleted, ResizeCompleted" &&
		got != "ResizeDeferred, ResizeDeferred, ResizeStarted, ResizeCompleted, ResizeStarted, ResizeCompleted" {
		t.Errorf("the events are %s", got)
	}
}

func TestAtARestartPodsThatRanBeforeComeFirst(t *testing.T) {
	s := newStage(true)
	s.admit = twoCPUs
	sized := func(cpu string, created int) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Resources = amounts(cpu, "16Mi")
			pod.CreationTimestamp = metav1.NewTime(start.Add(time.Duration(created) * time.Minute))
		}
	}
	s.restart()
	ran := s.create("ran", sized("1500m", 2))
	turn(t, s)
	older, newer := s.create("older", sized("500m", 0)), s.create("newer", sized("400m", 1))
	for range 20 { // the order in which they are told of is any
		s.restart()
		for uid, want := range map[types.UID]bool{ran: true, older: true, newer: false} {
			if w := s.loop.workers[uid]; w.admitted != want {
				t.Fatalf("that %s was let in is %t, want %t", uid, w.admitted, want)
			}
		}
	}
}

// TestWhoWaitsForRoomIsTold resizes pods whose agent runs by itself: nobody but it tells a pod that another has given something back.
func TestWhoWaitsForRoomIsTold(t *testing.T) {
	spec := func(cpu string) corev1.PodSpec {
		return corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "image:1", Resources: amounts(cpu, "16Mi")}}}
	}
	for name, free := range map[string]func(l *live, other types.UID){
		"another gives some back": func(l *live, other types.UID) { l.resize(other, "500m") },
		"another is gone":         func(l *live, other types.UID) { l.delete(other, 1) },
		"another is evicted":      func(l *live, other types.UID) { l.loop.Evict(other, Eviction{Message: "it took too much"}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				l.admit = twoCPUs
				l.restart()
				defer func() { l.stop() }()
				waits, other := l.create("waits", spec("1"), nil), l.create("other", spec("1"), nil)
				time.Sleep(time.Second)
				l.resize(waits, "1500m")
				time.Sleep(time.Second)
				if got := resizeCondition(l.get(waits)); !strings.HasPrefix(got, "PodResizePending Deferred") {
					t.Fatalf("it says %q", got)
				}
				free(l, other)
				time.Sleep(10 * time.Second)
				if got := l.get(waits); resizeCondition(got) != "" || got.Status.ContainerStatuses[0].Resources.Requests.Cpu().String() != "1500m" {
					t.Errorf("with room it says %q, and has %v", resizeCondition(got), got.Status.ContainerStatuses[0].Resources)
				}
			})
		})
	}
}

func TestAPodThatWasCleanedUpTakesNoRoom(t *testing.T) {
	s := newStage(true)
	s.admit = twoCPUs
	s.restart()
	sized := func(pod *corev1.Pod) { pod.Spec.Containers[0].Resources = amounts("1500m", "16Mi") }
	first := s.create("first", sized)
	turn(t, s)
	s.loop.change(first, func(w *worker) { w.memory.Cleaned = true }) // its object is about to be removed
	second := s.create("second", sized)
	s.loop.Set(s.server.pods[second])
	if w := s.loop.workers[second]; !w.admitted {
		t.Errorf("another that gets its room is refused: %+v", w.memory.Failure)
	}
}
