package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// readyLooks is how often claims are looked at while their devices get ready. It costs no request.
const readyLooks = time.Second

// Devices that have to be attached to a node first can fail to be, or take too long.
var (
	ErrDeviceBindingTimeout = errors.New("device binding timeout")
	ErrDeviceBindingFailed  = errors.New("device binding failed")
)

// devicesReady reports whether all binding conditions of a claim's devices are true. A failure condition that is true is
// an ErrDeviceBindingFailed.
func devicesReady(claim *resourcev1.ResourceClaim) (bool, error) {
	if claim.Status.Allocation == nil {
		return false, nil
	}
	for i := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[i]
		if len(result.BindingConditions) == 0 {
			continue
		}
		status := statusOf(claim, result)
		if status == nil {
			return false, nil
		}
		for _, name := range result.BindingFailureConditions {
			if failed := apimeta.FindStatusCondition(status.Conditions, name); failed != nil && failed.Status == metav1.ConditionTrue {
				return false, fmt.Errorf("%w: claim=%s, reason=%s, message=%q", ErrDeviceBindingFailed, claim.Name, failed.Reason, failed.Message)
			}
		}
		for _, name := range result.BindingConditions {
			if !apimeta.IsStatusConditionTrue(status.Conditions, name) {
				return false, nil
			}
		}
	}
	return true, nil
}

// statusOf returns what a driver says of a device, or nil.
func statusOf(claim *resourcev1.ResourceClaim, result *resourcev1.DeviceRequestAllocationResult) *resourcev1.AllocatedDeviceStatus {
	for i := range claim.Status.Devices {
		status := &claim.Status.Devices[i]
		if status.Driver == result.Driver && status.Pool == result.Pool && status.Device == result.Device {
			return status
		}
	}
	return nil
}

// overdue reports whether a claim with binding conditions was allocated too long ago for them to be false still.
func overdue(claim *resourcev1.ResourceClaim, now time.Time, patience time.Duration) bool {
	allocation := claim.Status.Allocation
	if allocation == nil || allocation.AllocationTimestamp == nil || !allocation.AllocationTimestamp.Add(patience).Before(now) {
		return false
	}
	return awaited(allocation)
}

// awaited reports whether some device has to be waited for.
func awaited(allocation *resourcev1.AllocationResult) bool {
	for i := range allocation.Devices.Results {
		if len(allocation.Devices.Results[i].BindingConditions) > 0 {
			return true
		}
	}
	return false
}

// awaitDevices waits until the devices of all claims are ready.
func (p *Plugin) awaitDevices(ctx context.Context, w *stateData, pod *corev1.Pod, node string) error {
	needed := false
	for _, need := range w.needs {
		needed = needed || need.allocated() && awaited(need.claim.Status.Allocation)
	}
	if !needed {
		return nil
	}
	p.handle.EventRecorder().WithLogger(klog.FromContext(ctx)).Eventf(pod, nil, corev1.EventTypeNormal,
		"BindingConditionsPending", "Scheduling", "waiting for binding conditions for device on node %s", node)
	start := time.Now()
	err := wait.PollUntilContextTimeout(ctx, readyLooks, p.bindingTimeout, true, func(context.Context) (bool, error) {
		return p.allReady(w)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrDeviceBindingTimeout, err)
	}
	p.measure(w, err, time.Since(start))
	return err
}

// allReady looks at the claims as they are now, and remembers them.
func (p *Plugin) allReady(w *stateData) (bool, error) {
	for _, need := range w.needs {
		if !need.allocated() {
			continue // The node has the extended resources itself.
		}
		claim, err := p.known.ResourceClaims().Get(need.claim.Namespace, need.claim.Name)
		if err != nil {
			return false, err
		}
		need.claim = claim
		ready, err := devicesReady(claim)
		if err != nil {
			return false, err
		}
		if !ready {
			if overdue(claim, time.Now(), p.bindingTimeout) {
				return false, fmt.Errorf("%w: claim=%s", ErrDeviceBindingTimeout, claim.Name)
			}
			return false, nil
		}
	}
	return true, nil
}

// measure counts each device, and those that had to be waited for.
func (p *Plugin) measure(w *stateData, err error, took time.Duration) {
	result := metrics.DevicesReady
	switch {
	case errors.Is(err, ErrDeviceBindingTimeout):
		result = metrics.DevicesLate
	case errors.Is(err, ErrDeviceBindingFailed):
		result = metrics.DevicesFailed
	case err != nil:
		result = metrics.DevicesError
	}
	profile := p.handle.ProfileName()
	for _, need := range w.needs {
		if !need.allocated() {
			continue
		}
		for _, device := range need.claim.Status.Allocation.Devices.Results {
			metrics.DeviceBindingWait.WithLabelValues(profile, device.Driver, result).Observe(took.Seconds())
			if len(device.BindingConditions) > 0 {
				metrics.DeviceBindings.WithLabelValues(profile, device.Driver, result).Inc()
			}
		}
	}
}
