package dynamicresources

import (
	"errors"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	attached  = "example.com/attached"
	unplugged = "example.com/unplugged"
)

func device(name string, conditions ...string) resourceapi.DeviceRequestAllocationResult {
	return resourceapi.DeviceRequestAllocationResult{
		Driver: "d", Pool: "p", Device: name, BindingConditions: conditions, BindingFailureConditions: []string{unplugged},
	}
}

func says(name string, conditions ...string) resourceapi.AllocatedDeviceStatus {
	status := resourceapi.AllocatedDeviceStatus{Driver: "d", Pool: "p", Device: name}
	for _, condition := range conditions {
		status.Conditions = append(status.Conditions, metav1.Condition{Type: condition, Status: metav1.ConditionTrue, Reason: "Because"})
	}
	return status
}

func TestDevicesReady(t *testing.T) {
	for name, test := range map[string]struct {
		devices  []resourceapi.DeviceRequestAllocationResult
		statuses []resourceapi.AllocatedDeviceStatus
		ready    bool
		failed   bool
	}{
		"devices without conditions are":                     {devices: []resourceapi.DeviceRequestAllocationResult{device("a")}, ready: true},
		"a device that nothing is known of is not":           {devices: []resourceapi.DeviceRequestAllocationResult{device("a", attached)}},
		"a device is once all its conditions are true":       {devices: []resourceapi.DeviceRequestAllocationResult{device("a", attached)}, statuses: []resourceapi.AllocatedDeviceStatus{says("a", attached)}, ready: true},
		"a device is not while one of its conditions is not": {devices: []resourceapi.DeviceRequestAllocationResult{device("a", attached, "example.com/on")}, statuses: []resourceapi.AllocatedDeviceStatus{says("a", attached)}},
		"what is said of another device does not count":      {devices: []resourceapi.DeviceRequestAllocationResult{device("a", attached)}, statuses: []resourceapi.AllocatedDeviceStatus{says("b", attached)}},
		"a device that failed never is":                      {devices: []resourceapi.DeviceRequestAllocationResult{device("a", attached)}, statuses: []resourceapi.AllocatedDeviceStatus{says("a", attached, unplugged)}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			claim := &resourceapi.ResourceClaim{}
			claim.Status.Allocation = &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{Results: test.devices}}
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
		device resourceapi.DeviceRequestAllocationResult
		when   *metav1.Time
		want   bool
	}{
		"a device that took longer than the patience is":     {device("a", attached), ago(2 * time.Minute), true},
		"a device that was just allocated is not":            {device("a", attached), ago(30 * time.Second), false},
		"a device that nobody has to wait for is not":        {device("a"), ago(2 * time.Minute), false},
		"a device is not when nobody knows since when it is": {device("a", attached), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			claim := &resourceapi.ResourceClaim{}
			claim.Status.Allocation = &resourceapi.AllocationResult{
				AllocationTimestamp: test.when,
				Devices:             resourceapi.DeviceAllocationResult{Results: []resourceapi.DeviceRequestAllocationResult{test.device}},
			}
			if got := overdue(claim, now, time.Minute); got != test.want {
				t.Errorf("overdue is %v, want %v", got, test.want)
			}
		})
	}
}
