package dra

import (
	"fmt"
	"sync"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	toolscache "k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
)

// Claims knows all ResourceClaims. Register it as the handler of their informer. The claims that it returns belong to it:
// do not change them.
type Claims struct {
	mutex   sync.RWMutex
	known   map[types.NamespacedName]*known
	pending map[types.UID]*pending
	// counted is the allocation of each claim that devices has counted.
	counted   map[types.UID]*resourcev1.AllocationResult
	devices   devices
	listeners listeners
}

// known is a claim in the API server.
type known struct {
	// shown is what a watch showed last; latest is that, or a newer version that a write returned.
	shown, latest *resourcev1.ResourceClaim
}

var (
	_ fwk.ResourceClaimTracker        = &Claims{}
	_ toolscache.ResourceEventHandler = &Claims{}
)

// NewClaims returns Claims that know no claim.
func NewClaims() *Claims {
	return &Claims{
		known:   map[types.NamespacedName]*known{},
		pending: map[types.UID]*pending{},
		counted: map[types.UID]*resourcev1.AllocationResult{},
		devices: newDevices(),
	}
}

// NotFoundError says that there is no such claim.
type NotFoundError struct{ Claim types.NamespacedName }

// Error is in kube-scheduler's words: it is why a pod is not scheduled yet.
func (e NotFoundError) Error() string { return fmt.Sprintf("could not find ResourceClaim %q", e.Claim) }

// Listen makes a handler hear of every change from now on, including those that AssumeClaimAfterAPICall makes.
func (c *Claims) Listen(handler toolscache.ResourceEventHandler) { c.listeners.add(handler) }

// Get returns the latest version of a claim. The error is a NotFoundError.
func (c *Claims) Get(namespace, name string) (*resourcev1.ResourceClaim, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if found := c.known[key]; found != nil {
		return found.latest, nil
	}
	return nil, NotFoundError{key}
}

// List returns the latest version of all claims. The error is always nil.
func (c *Claims) List() ([]*resourcev1.ResourceClaim, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	all := make([]*resourcev1.ResourceClaim, 0, len(c.known))
	for _, each := range c.known {
		all = append(all, each.latest)
	}
	return all, nil
}

// OnAdd takes in a claim that a watch shows.
func (c *Claims) OnAdd(object any, _ bool) {
	claim, ok := object.(*resourcev1.ResourceClaim)
	if !ok {
		return
	}
	defer c.listeners.deliver()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	entry := c.known[keyOf(claim)]
	if entry == nil {
		c.known[keyOf(claim)] = &known{shown: claim, latest: claim}
		c.changed(nil, claim)
		return
	}
	old := entry.latest
	if order, err := resourceversion.CompareResourceVersion(claim.ResourceVersion, old.ResourceVersion); err == nil && order <= 0 {
		return // A write returned this version or a newer one.
	}
	entry.shown, entry.latest = claim, claim
	c.changed(old, claim)
}

// OnUpdate takes in a claim that a watch shows.
func (c *Claims) OnUpdate(_, object any) { c.OnAdd(object, false) }

// OnDelete forgets a claim.
func (c *Claims) OnDelete(object any) {
	if unknown, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	claim, ok := object.(*resourcev1.ResourceClaim)
	if !ok {
		return
	}
	defer c.listeners.deliver()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if entry := c.known[keyOf(claim)]; entry != nil {
		delete(c.known, keyOf(claim))
		c.changed(entry.latest, nil)
	}
}

// AssumeClaimAfterAPICall makes a claim that a write returned the latest version. It is an error when the claim is not
// known (any more), or when a newer version is.
func (c *Claims) AssumeClaimAfterAPICall(claim *resourcev1.ResourceClaim) error {
	defer c.listeners.deliver()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	entry := c.known[keyOf(claim)]
	if entry == nil {
		return NotFoundError{keyOf(claim)}
	}
	old := entry.latest
	order, err := resourceversion.CompareResourceVersion(claim.ResourceVersion, old.ResourceVersion)
	if err != nil {
		return fmt.Errorf("assuming ResourceClaim %s: %w", keyOf(claim), err)
	}
	if order < 0 {
		return fmt.Errorf("assuming ResourceClaim %s: version %s is older than the known %s",
			keyOf(claim), claim.ResourceVersion, old.ResourceVersion)
	}
	entry.latest = claim
	c.changed(old, claim)
	return nil
}

// AssumedClaimRestore goes back to the version of a claim that a watch showed last.
func (c *Claims) AssumedClaimRestore(namespace, name string) {
	defer c.listeners.deliver()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	entry := c.known[types.NamespacedName{Namespace: namespace, Name: name}]
	if entry == nil || entry.latest == entry.shown {
		return
	}
	old := entry.latest
	entry.latest = entry.shown
	c.changed(old, entry.shown)
}

// changed counts the devices of a claim again and announces the change. One of old and new may be nil; where the name
// has passed to another claim, both are counted.
func (c *Claims) changed(old, new *resourcev1.ResourceClaim) {
	switch {
	case old == nil:
		c.recount(new)
		c.listeners.announce(nil, new)
	case new == nil:
		c.recount(old)
		c.listeners.announce(old, nil)
	default:
		c.recount(old)
		c.recount(new)
		c.listeners.announce(old, new)
	}
}

func keyOf(claim *resourcev1.ResourceClaim) types.NamespacedName {
	return types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}
}
