package claims

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
)

// Unprepare has drivers undo what they have prepared for a pod, but for claims that other pods have. Nothing of the pod runs any more.
func (m *Manager) Unprepare(ctx context.Context, pod types.UID) error {
	batches, last, err := m.detach(pod)
	for _, name := range slices.Sorted(maps.Keys(batches)) {
		var d *driver
		if err == nil {
			d, err = m.driver(name)
		}
		if err == nil {
			err = d.unprepare(ctx, batches[name])
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range last {
		if c.undoing = err != nil; err == nil { // one that could not be undone stays the pod's, until it is tried again
			delete(m.claims, c.UID)
		}
	}
	if err == nil && len(last) > 0 {
		err = m.keep()
	}
	if err != nil {
		return fmt.Errorf("unprepare dynamic resources: %w", err)
	}
	return nil
}

// detach takes a pod off the claims that others have as well, and returns those that it alone has, and what drivers are to be told of these.
func (m *Manager) detach(pod types.UID) (batches map[string][]*drav1.Claim, last []*claim, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	batches, changed := map[string][]*drav1.Claim{}, false
	for _, c := range m.claims {
		i := slices.Index(c.Pods, pod)
		switch {
		case i < 0:
		case len(c.Pods) > 1:
			c.Pods, changed = slices.Delete(c.Pods, i, i+1), true
		default:
			c.undoing, c.Prepared, changed = true, false, true
			last = append(last, c)
			for driver := range c.Devices {
				batches[driver] = append(batches[driver], c.request())
			}
		}
	}
	if changed {
		err = m.keep()
	}
	return batches, last, err
}
