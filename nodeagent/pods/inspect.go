package pods

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/probes"
)

// Inspect returns an inspector of the pods of some nodes. Its keys are NAMESPACE/NAME. Where several pods have one name, it shows
// the one that is to run, or else the newest.
func Inspect(loops ...*Loop) engine.Inspector { return inspector(loops) }

type inspector []*Loop

func (inspector) Name() string { return name }

func (inspector) Of() string { return "Pod" }

func (i inspector) Keys() []string {
	var keys []string
	for _, each := range i.pods() {
		keys = append(keys, nameOf(each.pod))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (i inspector) Preview(ctx context.Context, key string) (string, error) {
	found, err := i.find(key)
	if err != nil {
		return "", err
	}
	decided, err := found.loop.engine.Preview(ctx, found.pod.UID)
	if err != nil {
		return "", fmt.Errorf("observing pod %s on node %s: %w", key, found.loop.Agent, err)
	}
	return decided.String(), nil
}

func (i inspector) Recent(key string) []engine.Pass {
	found, err := i.find(key)
	if err != nil {
		return nil
	}
	return found.loop.engine.Recent(found.pod.UID)
}

// Follow leaves out the pass in which a loop lets go of a pod: nobody knows its name then.
func (i inspector) Follow(f func(key string, pass engine.Pass)) {
	for _, l := range i {
		l.engine.Follow(func(uid types.UID, pass engine.Pass) {
			key := ""
			l.change(uid, func(w *worker) { key = nameOf(w.pod) })
			if key != "" {
				f(key, pass)
			}
		})
	}
}

// placed is a pod on one of the nodes.
type placed struct {
	loop *Loop
	pod  *corev1.Pod
	// ends: it is not to run any more.
	ends bool
}

func (i inspector) pods() []placed {
	var found []placed
	for _, l := range i {
		l.mu.Lock()
		for _, w := range l.workers {
			found = append(found, placed{l, w.pod, w.gone || w.orphan || w.pod.DeletionTimestamp != nil})
		}
		l.mu.Unlock()
	}
	return found
}

func (i inspector) find(key string) (placed, error) {
	if !strings.Contains(key, "/") {
		return placed{}, fmt.Errorf("reading %q: a pod is named by NAMESPACE/NAME", key)
	}
	found := slices.DeleteFunc(i.pods(), func(p placed) bool { return nameOf(p.pod) != key })
	if len(found) == 0 {
		return placed{}, fmt.Errorf("looking for pod %s on %d nodes: %w", key, len(i), engine.ErrGone)
	}
	return slices.MaxFunc(found, func(a, b placed) int {
		switch {
		case a.ends && !b.ends:
			return -1
		case b.ends && !a.ends:
			return 1
		default:
			return a.pod.CreationTimestamp.Compare(b.pod.CreationTimestamp.Time)
		}
	}), nil
}

// ProbeResults are how the probes of the node's containers were answered.
func (l *Loop) ProbeResults() []probes.Results { return l.probes.Results() }
