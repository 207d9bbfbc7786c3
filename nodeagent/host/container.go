package host

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/env"
	"github.com/orrery-dev/orrery/nodeagent/hugepages"
	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// containerConfig is pure: all that had to be read is in its arguments.
func (h *Host) containerConfig(pod *corev1.Pod, spec *corev1.Container, of pods.ContainerOf, vars []env.Var, mounts []*runtimeapi.Mount) (*runtimeapi.ContainerConfig, error) {
	security, err := h.containerSecurity(pod, spec, of.User)
	if err != nil {
		return nil, err
	}
	if of.Target != "" && security.NamespaceOptions.GetPid() == runtimeapi.NamespaceMode_CONTAINER {
		security.NamespaceOptions.Pid, security.NamespaceOptions.TargetId = runtimeapi.NamespaceMode_TARGET, of.Target
	}
	mapMounts(mounts, security.NamespaceOptions.UsernsOptions)
	lookup := env.Lookup(vars)
	config := &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: spec.Name, Attempt: uint32(of.Restarts)},
		Image:       &runtimeapi.ImageSpec{Image: of.Image, UserSpecifiedImage: spec.Image},
		Command:     expand(spec.Command, lookup),
		Args:        expand(spec.Args, lookup),
		WorkingDir:  spec.WorkingDir,
		Labels:      podLabels(pod),
		Annotations: annotations(pod, spec, of.Restarts),
		Mounts:      mounts,
		LogPath:     LogPath(spec.Name, of.Restarts),
		Stdin:       spec.Stdin,
		StdinOnce:   spec.StdinOnce,
		Tty:         spec.TTY,
		Linux: &runtimeapi.LinuxContainerConfig{
			Resources:       h.Resources(pod, pods.AmountsOf(pod, spec)),
			SecurityContext: security,
		},
	}
	config.Labels[cri.LabelContainerName] = spec.Name
	config.Linux.Resources.HugepageLimits = hugepages.Limits(spec.Resources.Limits, h.Allocatable)
	if spec.Lifecycle != nil && spec.Lifecycle.StopSignal != nil {
		config.StopSignal = runtimeapi.Signal(runtimeapi.Signal_value[cri.SignalPrefix+string(*spec.Lifecycle.StopSignal)])
	}
	for _, v := range vars {
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: v.Name, Value: []byte(v.Value)})
	}
	return config, nil
}

func expand(values []string, lookup func(string) (string, bool)) []string {
	var expanded []string
	for _, value := range values {
		expanded = append(expanded, env.Expand(value, lookup))
	}
	return expanded
}

// LogPath is where the log of an instance is, below the pod's log directory.
func LogPath(container string, restarts int32) string {
	return filepath.Join(container, fmt.Sprintf("%d.log", restarts))
}

func annotations(pod *corev1.Pod, spec *corev1.Container, restarts int32) map[string]string {
	values := map[string]string{
		cri.AnnotationHash:                     pods.Hash(spec),
		cri.AnnotationResources:                pods.AmountsOf(pod, spec).Annotation(),
		cri.AnnotationRestartCount:             strconv.Itoa(int(restarts)),
		cri.AnnotationTerminationMessagePath:   spec.TerminationMessagePath,
		cri.AnnotationTerminationMessagePolicy: string(spec.TerminationMessagePolicy),
	}
	if grace := pod.Spec.TerminationGracePeriodSeconds; grace != nil {
		values[cri.AnnotationTerminationGracePeriod] = strconv.FormatInt(*grace, 10)
	}
	if spec.Lifecycle != nil && spec.Lifecycle.PreStop != nil {
		if raw, err := json.Marshal(spec.Lifecycle.PreStop); err == nil { // a decoded API type always encodes
			values[cri.AnnotationPreStop] = string(raw)
		}
	}
	return values
}
