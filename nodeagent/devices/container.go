package devices

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Container has a container made with the devices that it was given. Plugins that want to know of each start are told.
func (m *Manager) Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) error {
	m.mu.Lock()
	grants := maps.Clone(m.given[string(pod.UID)][spec.Name])
	told := map[string]*plugin{}
	for resource := range grants {
		if o := m.offers[resource]; o != nil && o.plugin() != nil && o.plugin().options.GetPreStartRequired() {
			told[resource] = o.plugin()
		}
	}
	m.mu.Unlock()
	var answers []*pluginapi.ContainerAllocateResponse
	for _, resource := range slices.Sorted(maps.Keys(grants)) {
		if p := told[resource]; p != nil {
			if err := p.preStart(ctx, grants[resource].ids()); err != nil {
				return err
			}
		}
		answer := &pluginapi.ContainerAllocateResponse{}
		if err := proto.Unmarshal(grants[resource].Answer, answer); err != nil {
			return fmt.Errorf("decoding what the device plugin of %s has answered: %w", resource, err)
		}
		answers = append(answers, answer)
	}
	apply(answers, config)
	return nil
}

func (p *plugin) preStart(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, pluginapi.KubeletPreStartContainerRPCTimeoutInSecs*time.Second)
	defer cancel()
	if _, err := p.client.PreStartContainer(ctx, &pluginapi.PreStartContainerRequest{DevicesIds: ids}); err != nil {
		return fmt.Errorf("device plugin PreStartContainer rpc failed with err: %w", err)
	}
	return nil
}

// apply adds what plugins have answered. Where two of them want different things at one place, the first has it. What the pod itself
// says goes over the plugins' environment and annotations.
func apply(answers []*pluginapi.ContainerAllocateResponse, config *runtimeapi.ContainerConfig) {
	var envs []*runtimeapi.KeyValue
	var mounts []*runtimeapi.Mount
	var devices []*runtimeapi.Device
	seen := map[string]bool{}
	first := func(what, key string) bool {
		before := seen[what+key]
		seen[what+key] = true
		return !before
	}
	for _, answer := range answers {
		for _, name := range slices.Sorted(maps.Keys(answer.GetEnvs())) {
			if first("env ", name) {
				envs = append(envs, &runtimeapi.KeyValue{Key: name, Value: []byte(answer.GetEnvs()[name])})
			}
		}
		for _, d := range answer.GetDevices() {
			if first("device ", d.GetContainerPath()) {
				devices = append(devices, &runtimeapi.Device{ContainerPath: d.GetContainerPath(), HostPath: d.GetHostPath(), Permissions: d.GetPermissions()})
			}
		}
		for _, mount := range answer.GetMounts() {
			if first("mount ", mount.GetContainerPath()) {
				mounts = append(mounts, &runtimeapi.Mount{ContainerPath: mount.GetContainerPath(), HostPath: mount.GetHostPath(), Readonly: mount.GetReadOnly()})
			}
		}
		for name, value := range answer.GetAnnotations() {
			if _, set := config.Annotations[name]; !set && config.Annotations != nil {
				config.Annotations[name] = value
			}
		}
		for _, d := range answer.GetCdiDevices() {
			if first("cdi ", d.GetName()) {
				config.CDIDevices = append(config.CDIDevices, &runtimeapi.CDIDevice{Name: d.GetName()})
			}
		}
	}
	config.Envs = append(envs, config.Envs...)
	config.Mounts = append(mounts, config.Mounts...)
	config.Devices = append(devices, config.Devices...)
}
