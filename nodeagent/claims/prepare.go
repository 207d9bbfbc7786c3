package claims

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
)

// reference is a claim of a pod, by its name.
type reference struct {
	name string
	// own: it was made for the pod.
	own bool
}

// extendedClaim stands for the claim that a scheduler has made for extended resources of a pod: no claim of a pod can be called so.
const extendedClaim = " "

// claimsOf are those of a pod, by what the pod calls them; those that nobody had to make are not among them.
func claimsOf(pod *corev1.Pod) (map[string]reference, error) {
	all := map[string]reference{}
	for i := range pod.Spec.ResourceClaims {
		name, own, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return nil, err
		}
		if name != nil {
			all[pod.Spec.ResourceClaims[i].Name] = reference{*name, own}
		}
	}
	if extended := pod.Status.ExtendedResourceClaimStatus; extended != nil {
		all[extendedClaim] = reference{name: extended.ResourceClaimName}
	}
	return all, nil
}

// Prepare has drivers prepare all claims of a pod that are not yet. Nothing is asked of any driver before all claims were seen to be the
// pod's, and all drivers to be there.
func (m *Manager) Prepare(ctx context.Context, pod *corev1.Pod) error {
	if len(pod.Spec.ResourceClaims) == 0 && pod.Status.ExtendedResourceClaimStatus == nil {
		return nil
	}
	if err := m.prepare(ctx, pod); err != nil {
		return fmt.Errorf("prepare dynamic resources: %w", err)
	}
	return nil
}

func (m *Manager) prepare(ctx context.Context, pod *corev1.Pod) error {
	found, err := m.read(ctx, pod)
	if err != nil {
		return err
	}
	drivers := map[string]*driver{}
	for _, of := range found {
		for name := range driversOf(of) {
			if drivers[name], err = m.driver(name); err != nil {
				return err
			}
		}
	}
	batches, err := m.attach(pod, found)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(batches)) {
		prepared, err := drivers[name].prepare(ctx, batches[name])
		if err != nil {
			return err
		}
		m.note(name, batches[name], prepared)
	}
	return m.finish(batches)
}

// read reads the claims of a pod, and sees whether they are its.
func (m *Manager) read(ctx context.Context, pod *corev1.Pod) ([]*resourcev1.ResourceClaim, error) {
	all, err := claimsOf(pod)
	if err != nil {
		return nil, err
	}
	var found []*resourcev1.ResourceClaim
	for _, key := range slices.Sorted(maps.Keys(all)) {
		of := all[key]
		read, err := m.API.ResourceClaim(ctx, pod.Namespace, of.name)
		if err != nil {
			return nil, fmt.Errorf("fetch ResourceClaim %s: %w", of.name, err)
		}
		if of.own {
			if err := resourceclaim.IsForPod(pod, read, false); err != nil {
				return nil, err
			}
		}
		switch {
		case !resourceclaim.IsReservedForPod(pod, read, false):
			return nil, fmt.Errorf("pod %s (%s) is not allowed to use ResourceClaim %s (%s)", pod.Name, pod.UID, of.name, read.UID)
		case read.Status.Allocation == nil:
			return nil, fmt.Errorf("ResourceClaim %s: not allocated", of.name)
		}
		found = append(found, read)
	}
	return found, nil
}

// driversOf are the names of those with a device in a claim.
func driversOf(of *resourcev1.ResourceClaim) map[string]bool {
	names := map[string]bool{}
	for i := range of.Status.Allocation.Devices.Results {
		names[of.Status.Allocation.Devices.Results[i].Driver] = true
	}
	return names
}

// attach writes down that a pod has claims, and returns those that are not prepared, by driver.
func (m *Manager) attach(pod *corev1.Pod, found []*resourcev1.ResourceClaim) (map[string][]*drav1.Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	batches := map[string][]*drav1.Claim{}
	for _, of := range found {
		c := m.find(of.Namespace, of.Name)
		switch {
		case c == nil:
			c = &claim{Namespace: of.Namespace, Name: of.Name, UID: of.UID, Devices: map[string][]Device{}}
			m.claims[of.UID] = c
		case c.UID != of.UID:
			return nil, fmt.Errorf("old ResourceClaim with same name %s and different UID %s still exists (previous pod force-deleted?!)", c.Name, c.UID)
		case c.undoing:
			return nil, fmt.Errorf("ResourceClaim %s is being unprepared", c.Name)
		}
		if !slices.Contains(c.Pods, pod.UID) {
			c.Pods = append(c.Pods, pod.UID)
		}
		for name := range driversOf(of) {
			if c.Devices[name] == nil {
				c.Devices[name] = []Device{}
			}
			if !c.Prepared {
				batches[name] = append(batches[name], c.request())
			}
		}
	}
	if err := m.keep(); err != nil {
		return nil, fmt.Errorf("checkpoint ResourceClaim cache: %w", err)
	}
	return batches, nil
}

// note takes what a driver has answered in the place of what it answered before.
func (m *Manager) note(driver string, asked []*drav1.Claim, prepared map[string][]Device) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, request := range asked {
		if c := m.claims[types.UID(request.GetUid())]; c != nil {
			c.Devices[driver] = prepared[request.GetUid()]
		}
	}
}

// finish writes down that claims are prepared.
func (m *Manager) finish(batches map[string][]*drav1.Claim) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, asked := range batches {
		for _, request := range asked {
			if c := m.claims[types.UID(request.GetUid())]; c != nil {
				c.Prepared = true
			}
		}
	}
	if err := m.keep(); err != nil {
		return fmt.Errorf("checkpoint ResourceClaim state: %w", err)
	}
	return nil
}

// Container has a container made with what was prepared of the claims that it names.
func (m *Manager) Container(pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) error {
	asked, err := m.requested(pod, spec)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		c := m.find(pod.Namespace, name)
		if c == nil {
			return fmt.Errorf("internal error: unable to get claim info for ResourceClaim %s in namespace %s", name, pod.Namespace)
		}
		for _, request := range asked[name] {
			for _, id := range c.cdi(request) {
				config.CDIDevices = append(config.CDIDevices, &runtimeapi.CDIDevice{Name: id})
			}
		}
	}
	return nil
}

// cdi are the names of the CDI devices of a request; of all of them, if it is "".
func (c *claim) cdi(request string) (ids []string) {
	for _, driver := range slices.Sorted(maps.Keys(c.Devices)) {
		for _, d := range c.Devices[driver] {
			if request == "" || len(d.Requests) == 0 || slices.Contains(d.Requests, request) {
				ids = append(ids, d.CDI...)
			}
		}
	}
	return ids
}
