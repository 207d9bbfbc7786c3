package shutdown

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// Upstream's words for a pod that ends because its machine goes down.
const (
	terminated        = "Terminated"
	terminatedMessage = "Pod was terminated in response to imminent node shutdown."
)

// endPod has a pod end. One that was asked to before is asked nothing more.
type endPod struct {
	pod   *corev1.Pod
	grace time.Duration
	why   string
}

func (*endPod) Verb() string { return "end" }
func (s *endPod) String() string {
	return fmt.Sprintf("end pod %s/%s within %s", s.pod.Namespace, s.pod.Name, s.grace)
}
func (s *endPod) Why() string { return s.why }

// Do never fails.
func (s *endPod) Do(_ context.Context, m *Manager) error {
	m.End(s.pod.UID, pods.Eviction{Reason: terminated, Message: terminatedMessage, Grace: s.grace, Disrupts: true})
	return nil
}

// letGo lets the machine go down.
type letGo struct{ why string }

func (*letGo) Verb() string   { return "release" }
func (*letGo) String() string { return "let the machine go down" }
func (s *letGo) Why() string  { return s.why }

func (s *letGo) Do(_ context.Context, m *Manager) error { return m.release() }
