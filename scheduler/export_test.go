package scheduler

import corev1 "k8s.io/api/core/v1"

// KnownNode returns a node as the scheduler would decide by it now.
func (s *Scheduler) KnownNode(name string) (*corev1.Node, bool) { return s.cache.Node(name) }
