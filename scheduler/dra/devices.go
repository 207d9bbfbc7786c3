package dra

import (
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/utils/ptr"
)

// devices counts what allocations take. A device can be counted twice for a moment, when one claim stands in for another
// until that one is shown; so it is free only when nobody counts it any more.
type devices struct {
	exclusive map[structured.DeviceID]int
	shared    map[structured.SharedDeviceID]int
	consumed  structured.ConsumedCapacityCollection
	// taken is the sum as it was last given out. Nil after a change.
	taken *structured.AllocatedState
}

func newDevices() devices {
	return devices{
		exclusive: map[structured.DeviceID]int{},
		shared:    map[structured.SharedDeviceID]int{},
		consumed:  structured.NewConsumedCapacityCollection(),
	}
}

func (d *devices) add(allocation *resourcev1.AllocationResult) { d.count(allocation, 1) }

func (d *devices) remove(allocation *resourcev1.AllocationResult) { d.count(allocation, -1) }

func (d *devices) count(allocation *resourcev1.AllocationResult, by int) {
	if allocation == nil {
		return
	}
	for i := range allocation.Devices.Results {
		result := &allocation.Devices.Results[i]
		if ptr.Deref(result.AdminAccess, false) {
			continue // An administrator looks at a device that somebody else may have.
		}
		d.taken = nil
		id := structured.MakeDeviceID(result.Driver, result.Pool, result.Device)
		if result.ShareID == nil {
			tally(d.exclusive, id, by)
			continue
		}
		tally(d.shared, structured.MakeSharedDeviceID(id, result.ShareID), by)
		if result.ConsumedCapacity == nil {
			continue
		}
		if capacity := structured.NewDeviceConsumedCapacity(id, result.ConsumedCapacity); by > 0 {
			d.consumed.Insert(capacity)
		} else {
			d.consumed.Remove(capacity)
		}
	}
}

func tally[K comparable](counts map[K]int, key K, by int) {
	counts[key] += by
	if counts[key] <= 0 {
		delete(counts, key)
	}
}

// state returns what is taken. It is the same value until something changes, and stays as it is when something does.
func (d *devices) state() *structured.AllocatedState {
	if d.taken == nil {
		d.taken = &structured.AllocatedState{
			AllocatedDevices:         sets.KeySet(d.exclusive),
			AllocatedSharedDeviceIDs: sets.KeySet(d.shared),
			AggregatedCapacity:       d.consumed.Clone(),
		}
	}
	return d.taken
}

// ids returns the devices that one claim each has for itself.
func (d *devices) ids() sets.Set[structured.DeviceID] { return sets.KeySet(d.exclusive) }
