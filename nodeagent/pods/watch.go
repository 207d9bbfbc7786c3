package pods

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// relistEvery is how often a runtime is asked for changes that does not tell; the kubelet's figure.
const relistEvery = time.Second

// watch keeps an eye on the runtime until ctx ends.
func (l *Loop) watch(ctx context.Context) {
	if notifier, ok := l.Runtime.(cri.Notifier); ok {
		notifier.Notify(func(uid string) { l.Wake(types.UID(uid)) })
		<-ctx.Done()
		return
	}
	seen := map[string]string{}
	timer := l.Clock.NewTimer(relistEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		now, err := l.relist(ctx)
		if err == nil {
			l.compare(seen, now)
			seen = now
		} else if ctx.Err() == nil {
			l.Log.Error(err, "Looking for changes in the runtime")
		}
		timer.Reset(relistEvery)
	}
}

// compare wakes the pods whose fingerprint changed.
func (l *Loop) compare(before, now map[string]string) {
	for uid, fingerprint := range now {
		if before[uid] != fingerprint {
			l.Wake(types.UID(uid))
		}
	}
	for uid := range before {
		if _, still := now[uid]; !still {
			l.Wake(types.UID(uid))
		}
	}
}

// relist returns a fingerprint of each pod that this agent has in the runtime.
func (l *Loop) relist(ctx context.Context) (map[string]string, error) {
	selector := map[string]string{cri.LabelAgent: l.Agent}
	sandboxes, err := l.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("listing sandboxes: %w", err)
	}
	containers, err := l.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	sums := map[string]uint64{}
	for _, s := range sandboxes {
		sums[s.Labels[cri.LabelPodUID]] += sum(s.Id, int32(s.State))
	}
	for _, c := range containers {
		sums[c.Labels[cri.LabelPodUID]] += sum(c.Id, int32(c.State))
	}
	fingerprints := make(map[string]string, len(sums))
	for uid, sum := range sums {
		fingerprints[uid] = strconv.FormatUint(sum, 16)
	}
	return fingerprints, nil
}

// sum is an FNV-1a hash; adding these makes a fingerprint that no order changes.
func sum(id string, state int32) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return (h ^ uint64(state+1)) * 1099511628211
}
