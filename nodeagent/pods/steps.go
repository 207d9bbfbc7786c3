package pods

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
)

// step is one thing to do about a pod.
type step = engine.Step[*actor]

// reason is the part of a step that says why it is taken.
type reason string

// Why returns the reason.
func (r reason) Why() string { return string(r) }

// underWay is the part of a task that says whether an earlier pass has begun it: it is wanted still, but there is nothing
// to do about it now.
type underWay bool

// Idle says that the task is under way.
func (u underWay) Idle() bool { return bool(u) }

// actor takes the steps of one pass about one pod.
type actor struct {
	*Loop
	world *World
	turn  engine.Turn
}

func (a *actor) pod() *corev1.Pod { return a.world.Pod }

func (a *actor) uid() types.UID { return a.world.Pod.UID }

// remember changes the memory of the pod.
func (a *actor) remember(change func(*Memory)) {
	a.change(a.uid(), func(w *worker) { change(&w.memory) })
}

func (a *actor) event(container, kind, reason, message string) {
	if a.Event != nil && !a.world.Orphan {
		a.Event(a.pod(), container, kind, reason, message)
	}
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

func nameOf(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
