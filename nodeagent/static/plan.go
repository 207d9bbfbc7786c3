package static

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/orrery-dev/orrery/framework/engine"
)

// World is what a source says, and what it said when it was read last.
type World struct {
	// Manifests are what is there.
	Manifests []manifest
	// Running are the pods that the node was told to run, by the keys of their manifests.
	Running map[string]*corev1.Pod
	// Removed are the keys of manifests that went since then, though they may be back.
	Removed map[string]bool
	// Every is how often the source is read.
	Every time.Duration
}

// decide has the node run what is there, and nothing else. What is there no more goes first: its name may have another manifest.
func decide(w World) *engine.Plan[*actor] {
	plan := &engine.Plan[*actor]{}
	now := map[string]manifest{}
	for _, m := range w.Manifests {
		now[m.key] = m
	}
	var broken []error
	for _, key := range sorted(w.Running) {
		had := w.Running[key]
		switch m, there := now[key]; {
		case !there:
			plan.Do(&remove{key, had, "its manifest is gone"})
		case w.Removed[key]:
			plan.Do(&remove{key, had, "its manifest was gone meanwhile"})
		case m.pod != nil && m.pod.UID != had.UID:
			plan.Do(&remove{key, had, "its manifest was changed"})
		}
	}
	for _, m := range w.Manifests {
		had := w.Running[m.key]
		switch {
		case m.err != nil:
			broken = append(broken, m.err)
		case had == nil, w.Removed[m.key], had.UID != m.pod.UID:
			plan.Do(&run{m.key, m.pod, "its manifest is " + m.key})
		case !same(had, m.pod):
			plan.Do(&run{m.key, m.pod, "its manifest was changed, and says that it is the same pod"})
		}
	}
	if err := errors.Join(broken...); err != nil {
		plan.Do(&complain{err})
	}
	plan.Because(fmt.Sprintf("the node runs the %d static pods that there are", len(w.Running)))
	plan.After(w.Every, "manifests are read again")
	return plan
}

// same says whether two pods say the same, but for when the node has seen them first.
func same(a, b *corev1.Pod) bool {
	b = b.DeepCopy()
	b.Annotations[AnnotationSeen] = a.Annotations[AnnotationSeen]
	return equality.Semantic.DeepEqual(a, b)
}
