package devices

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// asks are how many devices of which resources a container wants, as far as plugins have such. Extended resources cannot be overcommitted:
// its limits say it.
func (m *Manager) asks(pod *corev1.Pod, spec *corev1.Container) map[string]int {
	wanted := map[string]int{}
	for name, quantity := range spec.Resources.Limits {
		resource := string(name)
		if !strings.Contains(resource, "/") || quantity.IsZero() || claimed(pod, spec.Name, resource) {
			continue
		}
		if m.offers[resource] != nil || m.given.knows(resource) {
			wanted[resource] = int(quantity.Value())
		}
	}
	return wanted
}

// claimed says whether a resource of a container comes by a claim, and not from a plugin.
func claimed(pod *corev1.Pod, container, resource string) bool {
	if pod.Status.ExtendedResourceClaimStatus == nil {
		return false
	}
	return slices.ContainsFunc(pod.Status.ExtendedResourceClaimStatus.RequestMappings, func(r corev1.ContainerExtendedResourceRequest) bool {
		return r.ContainerName == container && r.ResourceName == resource
	})
}

// Has says whether a container has all the devices that it asks for.
func (m *Manager) Has(pod *corev1.Pod, spec *corev1.Container) bool {
	return len(m.missing(pod, spec)) == 0
}

// missing are the resources of which a container has not been given what it asks for.
func (m *Manager) missing(pod *corev1.Pod, spec *corev1.Container) map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	missing := m.asks(pod, spec)
	maps.DeleteFunc(missing, func(resource string, _ int) bool {
		_, has := m.given[string(pod.UID)][spec.Name][resource]
		return has
	})
	return missing
}

// Allocate gives a container the devices that it asks for and has not, near to some NUMA nodes if that is not nil. What it was given before
// an error stays with it until its pod is released.
func (m *Manager) Allocate(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, near []int) error {
	missing := m.missing(pod, spec)
	for _, resource := range slices.Sorted(maps.Keys(missing)) {
		if err := m.allocate(ctx, pod, spec, resource, missing[resource], near); err != nil {
			return err
		}
	}
	return nil
}

// allocate gives a container devices of one resource.
func (m *Manager) allocate(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, resource string, wanted int, near []int) error {
	o, err := m.take(ctx, resource)
	if err != nil {
		return err
	}
	defer func() { <-o.turn }()
	p, from, err := m.pool(pod, resource, near)
	if err != nil {
		return err
	}
	c, err := from.choose(wanted)
	if err != nil {
		return err
	}
	var preferred []string
	if c.open() && p.options.GetGetPreferredAllocationAvailable() {
		if preferred, err = p.prefers(ctx, c); err != nil {
			return err
		}
	}
	ids := c.close(preferred)
	answer, err := p.allocate(ctx, ids)
	if err != nil {
		return err
	}
	g := grant{Devices: map[string][]int64{}, Answer: answer}
	for _, id := range ids {
		g.Devices[id] = from.devices[id].NUMA
	}
	return m.give(pod, spec, resource, g)
}

// take waits for the turn to choose devices of a resource.
func (m *Manager) take(ctx context.Context, resource string) (*offer, error) {
	m.mu.Lock()
	o := m.offers[resource]
	m.mu.Unlock()
	if o == nil {
		return nil, fmt.Errorf("cannot allocate unregistered device %s", resource)
	}
	select {
	case o.turn <- struct{}{}:
		return o, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pool is what a container can be given now, by which plugin.
func (m *Manager) pool(pod *corev1.Pod, resource string, near []int) (*plugin, pool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.offers[resource]
	p := o.plugin()
	if p == nil || len(o.healthy()) == 0 {
		return nil, pool{}, fmt.Errorf("no healthy devices present; cannot allocate unhealthy devices %s", resource)
	}
	return p, pool{
		resource: resource, devices: maps.Clone(o.devices), reusable: m.given.reusable(pod, resource), taken: m.given.taken(resource), near: near,
	}, nil
}

// give writes down what a container was given.
func (m *Manager) give(pod *corev1.Pod, spec *corev1.Container, resource string, g grant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.given.enter(string(pod.UID), spec.Name, resource, g)
	if err := m.keep(); err != nil {
		m.given.strike(string(pod.UID), spec.Name, resource)
		return fmt.Errorf("keeping which devices container %s of pod %s/%s has: %w", spec.Name, pod.Namespace, pod.Name, err)
	}
	return nil
}

// prefers are the devices that the plugin would rather give.
func (p *plugin) prefers(ctx context.Context, c *choice) ([]string, error) {
	response, err := p.client.GetPreferredAllocation(ctx, &pluginapi.PreferredAllocationRequest{
		ContainerRequests: []*pluginapi.ContainerPreferredAllocationRequest{{
			AvailableDeviceIDs: c.available, MustIncludeDeviceIDs: slices.Clone(c.chosen), AllocationSize: int32(c.wanted),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("device plugin GetPreferredAllocation rpc failed with err: %w", err)
	}
	if len(response.GetContainerResponses()) == 0 {
		return nil, nil
	}
	return response.GetContainerResponses()[0].GetDeviceIDs(), nil
}

// allocate is the plugin's answer to who is given these devices, as it was sent.
func (p *plugin) allocate(ctx context.Context, ids []string) ([]byte, error) {
	response, err := p.client.Allocate(ctx, &pluginapi.AllocateRequest{
		ContainerRequests: []*pluginapi.ContainerAllocateRequest{{DevicesIds: ids}},
	})
	if err != nil {
		return nil, err
	}
	if len(response.GetContainerResponses()) == 0 {
		return nil, errors.New("no containers return in allocation response")
	}
	answer, err := proto.Marshal(response.GetContainerResponses()[0])
	if err != nil {
		return nil, fmt.Errorf("encoding the answer of a device plugin: %w", err)
	}
	return answer, nil
}
