package static

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// run has the node run a pod.
type run struct {
	key string
	pod *corev1.Pod
	why string
}

func (*run) Verb() string     { return "run" }
func (s *run) String() string { return "run static pod " + nameOf(s.pod) }
func (s *run) Why() string    { return s.why }

// Do never fails.
func (s *run) Do(_ context.Context, a *actor) error {
	pod := s.pod.DeepCopy()
	pod.Annotations[AnnotationSeen] = a.Clock.Now().Format(time.RFC3339Nano)
	a.keep(a.source, s.key, pod)
	a.Sink.Set(pod)
	return nil
}

// remove has the node let go of a pod.
type remove struct {
	key string
	pod *corev1.Pod
	why string
}

func (*remove) Verb() string     { return "remove" }
func (s *remove) String() string { return "remove static pod " + nameOf(s.pod) }
func (s *remove) Why() string    { return s.why }

// Do never fails.
func (s *remove) Do(_ context.Context, a *actor) error {
	a.drop(a.source, s.key)
	a.Sink.Remove(s.pod.UID)
	return nil
}

// complain says which manifests are of no use.
type complain struct{ err error }

func (*complain) Verb() string   { return "complain" }
func (*complain) String() string { return "say which manifests are of no use" }
func (*complain) Why() string    { return "" }

// Do fails in any case: that is how it is told.
func (s *complain) Do(context.Context, *actor) error { return s.err }
