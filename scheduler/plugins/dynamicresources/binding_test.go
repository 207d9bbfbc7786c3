package dynamicresources

import (
	"errors"
	"testing"
	"time"

	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	attached  = "example.com/attached"
	unplugged = "example.com/unplugged"
)

func device(name string, conditions ...string) resourcev1.DeviceRequestAllocationResult {
	return resourcev1.DeviceRequestAllocationResult{
		Driver: "d", Pool: "p", Device: name, BindingConditions: conditions, BindingFailureConditions: []string{unplugged},
	}
}

func says(name string, conditions ...string) resourcev1.AllocatedDeviceStatus {
	status := resourcev1.AllocatedDeviceStatus{Driver: "d", Pool: "p", Device: name}
	for _, condition := range conditions {
		status.Conditions = append(status.Conditions, metav1.Condition{Type: condition, Status: metav1.ConditionTrue, Reason: "Because"})
	}
	return status
}

func TestDevicesReady(t *testing.T) {
	for name, test := range map[string]struct {
		devices  []resourcev1.DeviceRequestAllocationResult
		statuses []resourcev1.AllocatedDeviceStatus
		ready    bool
		failed   bool
	}{
		"devices without conditions are":                     {devices: []resourcev1.DeviceRequestAllocationResult{device("a")}, ready: true},
		"a device that nothing is known of is not":           {devices: []resourcev1.DeviceRequestAllocationResult{device("a", attached)}},
		"a device is once all its conditions are true":       {devices: []resourcev1.DeviceRequestAllocationResult{device("a", attached)}, statuses: []resourcev1.AllocatedDeviceStatus{says("a", attached)}, ready: true},
		"a device is not while one of its conditions is not": {devices: []resourcev1.DeviceRequestAllocationResult{device("a", attached, "example.com/on")}, statuses: []resourcev1.AllocatedDeviceStatus{says("a", attached)}},
		"what is said of another device does not count":      {devices: []resourcev1.DeviceRequestAllocationResult{device("a", attached)}, statuses: []resourcev1.AllocatedDeviceStatus{says("b", attached)}},
		"a device that failed never is":                      {devices: []resourcev1.DeviceRequestAllocationResult{device("a", attached)}, statuses: []resourcev1.AllocatedDeviceStatus{says("a", attached, unplugged)}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			claim := &resourcev1.ResourceClaim{}
			claim.Status.Allocation = &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{Results: test.devices}}
			claim.Status.Devices = test.statuses
			ready, err := devicesReady(claim)
			if ready != test.ready || errors.Is(err, ErrDeviceBindingFailed) != test.failed {
				t.Errorf("ready is %v with error %v", ready, err)
			}
		})
	}
}

func TestOverdue(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }
	for name, test := range map[string]struct {
		device resourcev1.DeviceRequestAllocationResult
		when   *metav1.Time
		want   bool
	}{
		"a device that took longer than the patience is":     {device("a", attached), ago(2 * time.Minute), true},
		"a device that was just allocated is not":            {device("a", attached), ago(30 * time.Second), false},
		"a device that nobody has to wait for is not":        {device("a"), ago(2 * time.Minute), false},
		"a device is not when nobody knows since when it is": {device("a", attached), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			claim := &resourcev1.ResourceClaim{}
			claim.Status.Allocation = &resourcev1.AllocationResult{
				AllocationTimestamp: test.when,
				Devices:             resourcev1.DeviceAllocationResult{Results: []resourcev1.DeviceRequestAllocationResult{test.device}},
			}
			if got := overdue(claim, now, time.Minute); got != test.want {
				t.Errorf("overdue is %v, want %v", got, test.want)
			}
		})
	}
}
