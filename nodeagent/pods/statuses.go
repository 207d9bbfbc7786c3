package pods

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// statuses hands the newest status of each pod to the API server, and again for as long as that fails.
type statuses struct {
	api    API
	log    logr.Logger
	writes *keyed

	mu      sync.Mutex
	entries map[types.UID]*statusEntry
}

type statusEntry struct {
	pod      *corev1.Pod // as the API server had it last
	wanted   *corev1.PodStatus
	written  *corev1.PodStatus // what the API server is known to have
	failures int
	writing  sync.Mutex
}

func newStatuses(api API, clock clock.WithDelayedExecution, log logr.Logger) *statuses {
	s := &statuses{api: api, log: log, entries: map[types.UID]*statusEntry{}}
	s.writes = newKeyed(clock, s.write)
	return s
}

// seen says what the API server has. It need not be what was written: the pods of a node that falls silent, for one, are
// made not ready by others, and the next set puts that right.
func (s *statuses) seen(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.entries[pod.UID]; entry != nil {
		entry.pod, entry.written = pod, &pod.Status
	}
}

// set asks for a status to be written, if it says something new.
func (s *statuses) set(pod *corev1.Pod, wanted *corev1.PodStatus) {
	s.mu.Lock()
	entry := s.entries[pod.UID]
	if entry == nil {
		entry = &statusEntry{written: pod.Status.DeepCopy()}
		s.entries[pod.UID] = entry
	}
	entry.pod = pod
	changed := !status.Same(entry.written, wanted)
	entry.wanted = wanted
	s.mu.Unlock()
	if changed {
		s.writes.kick(pod.UID)
	}
}

func (s *statuses) forget(uid types.UID) {
	s.mu.Lock()
	delete(s.entries, uid)
	s.mu.Unlock()
	s.writes.drop(uid)
}

// write is the pass of one pod; it says when to try again.
func (s *statuses) write(ctx context.Context, uid types.UID) time.Duration {
	err := s.flush(ctx, uid)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.entries[uid]
	switch {
	case entry == nil:
		return 0
	case err == nil:
		entry.failures = 0
		return 0
	}
	wait := min(retryFirst<<min(entry.failures, 10), retryMost)
	entry.failures++
	if ctx.Err() == nil {
		s.log.Error(err, "Writing the status of a pod", "uid", uid, "again", wait)
	}
	return wait
}

// flush writes the wanted status now, unless it has been written.
func (s *statuses) flush(ctx context.Context, uid types.UID) error {
	s.mu.Lock()
	entry := s.entries[uid]
	s.mu.Unlock()
	if entry == nil {
		return nil
	}
	entry.writing.Lock()
	defer entry.writing.Unlock()
	s.mu.Lock()
	pod, wanted, same := entry.pod, entry.wanted, status.Same(entry.written, entry.wanted)
	s.mu.Unlock()
	if same {
		return nil
	}
	if err := s.api.WriteStatus(ctx, pod, wanted); err != nil {
		return err
	}
	s.mu.Lock()
	entry.written = wanted
	s.mu.Unlock()
	return nil
}
