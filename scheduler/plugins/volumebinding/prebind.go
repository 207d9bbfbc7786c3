package volumebinding

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// lookAgain is how often the pod and the node are looked for while nothing happens to the volumes.
const lookAgain = time.Second

// PreBindPreFlight reports whether anything has been assumed for the pod. It can run beside other plugins.
func (*Plugin) PreBindPreFlight(_ context.Context, state fwk.CycleState, _ *corev1.Pod, _ string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	result := &fwk.PreBindPreFlightResult{AllowParallel: true}
	if a := attemptOf(state); a == nil || a.volumes == nil {
		return result, fwk.NewStatus(fwk.Skip)
	}
	return result, nil
}

// PreBind writes what has been assumed, and waits until the claims are bound.
func (p *Plugin) PreBind(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ string) *fwk.Status {
	a := attemptOf(state)
	if a == nil || a.volumes == nil {
		return nil
	}
	if err := p.bind(ctx, pod, a.volumes); err != nil {
		metrics.VolumeStageErrors.WithLabelValues(metrics.VolumesBound).Inc()
		return fwk.AsStatus(err)
	}
	klog.FromContext(ctx).V(2).Info("Volumes bound", "node", a.volumes.node)
	return nil
}

func (p *Plugin) bind(ctx context.Context, pod *corev1.Pod, made *podVolumes) error {
	if err := p.write(ctx, made); err != nil {
		return err
	}
	if err := p.await(ctx, pod, made); err != nil {
		return fmt.Errorf("binding volumes: %w", err)
	}
	return nil
}

// write stops at the first object that cannot be written. Nothing is undone: a volume that names a claim, or a claim
// that names a node, is as good at the next attempt.
func (p *Plugin) write(ctx context.Context, made *podVolumes) error {
	for i := range made.staticBindings {
		volume := &made.staticBindings[i]
		if volume.written {
			continue
		}
		updated, err := p.api.UpdateVolume(ctx, volume.PersistentVolume)
		if err != nil {
			return fmt.Errorf("binding volume %s to claim %s: %w", volume.Name, keyOf(volume.claim), err)
		}
		volume.PersistentVolume, volume.written = updated, true
	}
	for i := range made.dynamicProvisions {
		claim := &made.dynamicProvisions[i]
		updated, err := p.api.UpdateClaim(ctx, claim.PersistentVolumeClaim)
		if err != nil {
			return fmt.Errorf("asking for a volume for claim %s on node %s: %w", keyOf(claim), made.node, err)
		}
		claim.PersistentVolumeClaim, claim.written = updated, true
	}
	return nil
}

// await returns when all is bound. It looks at every event of a volume or a claim, and now and then besides.
func (p *Plugin) await(ctx context.Context, pod *corev1.Pod, made *podVolumes) error {
	ctx, cancel := context.WithTimeout(ctx, p.bindTimeout)
	defer cancel()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		changed := p.assumed.changed.wait()
		pending, err := made.progress(p.bindingState(pod, made))
		if err != nil || pending == "" {
			return err
		}
		select {
		case <-changed:
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %s (bindTimeoutSeconds is %d)", ctx.Err(), pending, int(p.bindTimeout.Seconds()))
		}
	}
}
