package dra

import (
	"fmt"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
)

// Unnamed is the name of a claim which a scheduler makes for a pod's extended resources, until the API server has given
// it one. It is no valid name, so that no other claim can have it.
const Unnamed = "<extended-resources>"

// pending is a claim whose allocation was decided and is not written yet. Pods that are scheduled as a group share it;
// any other pod that wants the claim has to wait until it is written, or it could be bound before its claim is.
type pending struct {
	claim   *resourcev1.ResourceClaim
	sharers int
}

// SignalClaimPendingAllocation makes an allocation count before it is written. The claim holds it in its status. For a
// claim with a pending allocation, one more pod shares that one; for one that is allocated already, nothing happens, and
// writing the allocation will fail.
func (c *Claims) SignalClaimPendingAllocation(uid types.UID, claim *resourcev1.ResourceClaim) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if found := c.pending[uid]; found != nil {
		found.sharers++
		return nil
	}
	if claim.Name != Unnamed {
		current := c.known[keyOf(claim)]
		if current == nil {
			return fmt.Errorf("signalling the allocation of a claim: %w", NotFoundError{keyOf(claim)})
		}
		if current.latest.UID == uid && current.latest.Status.Allocation != nil {
			return nil
		}
	}
	c.pending[uid] = &pending{claim: claim, sharers: 1}
	c.recount(claim)
	return nil
}

// GetPendingAllocation returns the allocation that was signalled and is not removed yet, or nil.
func (c *Claims) GetPendingAllocation(uid types.UID) *resourcev1.AllocationResult {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if found := c.pending[uid]; found != nil {
		return found.claim.Status.Allocation
	}
	return nil
}

// MaybeRemoveClaimPendingAllocation ends one pod's share in a pending allocation, or everybody's by force. It reports
// whether that was the end of it.
func (c *Claims) MaybeRemoveClaimPendingAllocation(uid types.UID, force bool) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	found := c.pending[uid]
	if found == nil {
		return false
	}
	found.sharers--
	if found.sharers > 0 && !force {
		return false
	}
	delete(c.pending, uid)
	c.recount(found.claim)
	return true
}

// GatherAllocatedState returns what is taken of all devices. It is shared: do not change it. The error is always nil.
func (c *Claims) GatherAllocatedState() (*structured.AllocatedState, error) {
	c.mutex.Lock() // It may have to be made.
	defer c.mutex.Unlock()
	return c.devices.state(), nil
}

// ListAllAllocatedDevices returns the devices that one claim each has for itself. The error is always nil.
func (c *Claims) ListAllAllocatedDevices() (sets.Set[structured.DeviceID], error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return c.devices.ids(), nil
}

// recount brings the devices up to date with the allocation of one claim.
func (c *Claims) recount(claim *resourcev1.ResourceClaim) {
	was, is := c.counted[claim.UID], c.allocation(claim)
	if was == is || was != nil && is != nil && equality.Semantic.DeepEqual(was.Devices.Results, is.Devices.Results) {
		return
	}
	c.devices.remove(was)
	c.devices.add(is)
	if is == nil {
		delete(c.counted, claim.UID)
	} else {
		c.counted[claim.UID] = is
	}
}

// allocation returns what holds for a claim: what was decided, else what is known.
func (c *Claims) allocation(claim *resourcev1.ResourceClaim) *resourcev1.AllocationResult {
	if found := c.pending[claim.UID]; found != nil {
		return found.claim.Status.Allocation
	}
	if found := c.known[keyOf(claim)]; found != nil && found.latest.UID == claim.UID {
		return found.latest.Status.Allocation
	}
	return nil
}
