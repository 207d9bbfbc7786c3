package pods

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
)

// Inspect returns an inspector of the pods of some nodes. Its keys are NAMESPACE/NAME. Where several pods have or had one name,
// it shows the one that is to run, and of those the newest.
func Inspect(loops ...*Loop) engine.Inspector { return inspector(loops) }

type inspector []*Loop

func (inspector) Name() string { return name }

func (i inspector) Keys() []string {
	var keys []string
	for _, l := range i {
		l.mu.Lock()
		for _, w := range l.workers {
			keys = append(keys, nameOf(w.pod))
		}
		l.mu.Unlock()
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (i inspector) Preview(ctx context.Context, key string) (string, error) {
	l, uid, err := i.find(key)
	if err != nil {
		return "", err
	}
	decided, err := l.engine.Preview(ctx, uid)
	if err != nil {
		return "", fmt.Errorf("observing pod %s on node %s: %w", key, l.Agent, err)
	}
	return decided.String(), nil
}

func (i inspector) Recent(key string) []engine.Pass {
	l, uid, err := i.find(key)
	if err != nil {
		return nil
	}
	return l.engine.Recent(uid)
}

// candidate is a pod that has the name that was asked for.
type candidate struct {
	loop *Loop
	uid  types.UID
	// runs: it is to run.
	runs    bool
	created int64
}

// find returns the loop and the UID of the pod that has a name.
func (i inspector) find(key string) (*Loop, types.UID, error) {
	if !strings.Contains(key, "/") {
		return nil, "", fmt.Errorf("reading %q: a pod is named by NAMESPACE/NAME", key)
	}
	var found []candidate
	for _, l := range i {
		l.mu.Lock()
		for uid, w := range l.workers {
			if nameOf(w.pod) == key {
				runs := !w.gone && !w.orphan && w.pod.DeletionTimestamp == nil
				found = append(found, candidate{l, uid, runs, w.pod.CreationTimestamp.UnixNano()})
			}
		}
		l.mu.Unlock()
	}
	if len(found) == 0 {
		return nil, "", fmt.Errorf("looking for pod %s on %d nodes: %w", key, len(i), engine.ErrGone)
	}
	best := slices.MaxFunc(found, func(a, b candidate) int {
		if a.runs != b.runs {
			if a.runs {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.created, b.created)
	})
	return best.loop, best.uid, nil
}
