package host

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilsysctl "k8s.io/component-helpers/node/util/sysctl"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// sandboxConfig is pure, but for the paths under the root directory that it names.
func (h *Host) sandboxConfig(pod *corev1.Pod) (*runtimeapi.PodSandboxConfig, error) {
	dns, err := h.dns(pod)
	if err != nil {
		return nil, err
	}
	users, err := h.users(pod)
	if err != nil {
		return nil, err
	}
	labels := maps.Clone(pod.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, podLabels(pod))
	config := &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID)},
		Labels:       labels,
		Annotations:  h.sandboxAnnotations(pod),
		DnsConfig:    dns,
		PortMappings: portMappings(pod),
		LogDirectory: h.logDir(pod),
		Linux: &runtimeapi.LinuxPodSandboxConfig{
			CgroupParent:    h.cgroupParent(pod),
			SecurityContext: sandboxSecurity(pod, users),
			Sysctls:         sysctls(pod),
		},
	}
	if !pod.Spec.HostNetwork {
		if config.Hostname, err = h.nodename(pod); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// maxNodename is the longest name that the kernel has for a machine.
const maxNodename = 64

// nodename is the name that the pod's kernel namespace gets: its hostname, or with setHostnameAsFQDN all of its name.
func (h *Host) nodename(pod *corev1.Pod) (string, error) {
	hostname, domain := Hostname(pod), h.domain(pod)
	if domain == "" || pod.Spec.SetHostnameAsFQDN == nil || !*pod.Spec.SetHostnameAsFQDN {
		return hostname, nil
	}
	fqdn := hostname + "." + domain
	if len(fqdn) > maxNodename {
		return "", fmt.Errorf("failed to construct FQDN from pod hostname and cluster domain, FQDN %s is too long (%d characters is the max, %d characters requested)",
			fqdn, maxNodename, len(fqdn))
	}
	return fqdn, nil
}

// sandboxAnnotations are the pod's, with what it is given. A simulated node gives nothing, and has nothing to remember.
func (h *Host) sandboxAnnotations(pod *corev1.Pod) map[string]string {
	if h.RootDir == "" {
		return pod.Annotations
	}
	annotations := map[string]string{}
	maps.Copy(annotations, pod.Annotations)
	annotations[cri.AnnotationAllocation] = pods.Allocation(pod)
	return annotations
}

func podLabels(pod *corev1.Pod) map[string]string {
	return map[string]string{
		cri.LabelPodName: pod.Name, cri.LabelPodNamespace: pod.Namespace, cri.LabelPodUID: string(pod.UID),
	}
}

// Hostname is the pod's own name for itself: at most 63 characters, and never ending in a dash or a dot.
func Hostname(pod *corev1.Pod) string {
	name := pod.Name
	if pod.Spec.Hostname != "" {
		name = pod.Spec.Hostname
	}
	if pod.Spec.HostnameOverride != nil {
		name = *pod.Spec.HostnameOverride
	}
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-.")
	}
	return name
}

func portMappings(pod *corev1.Pod) []*runtimeapi.PortMapping {
	if pod.Spec.HostNetwork {
		return nil
	}
	var mappings []*runtimeapi.PortMapping
	for _, spec := range beside(pod) {
		for _, port := range spec.Ports {
			if port.HostPort == 0 {
				continue
			}
			protocol := runtimeapi.Protocol_TCP
			switch port.Protocol {
			case corev1.ProtocolUDP:
				protocol = runtimeapi.Protocol_UDP
			case corev1.ProtocolSCTP:
				protocol = runtimeapi.Protocol_SCTP
			}
			mappings = append(mappings, &runtimeapi.PortMapping{
				Protocol: protocol, ContainerPort: port.ContainerPort, HostPort: port.HostPort, HostIp: port.HostIP,
			})
		}
	}
	return mappings
}

// beside are the containers that run beside each other: those of the pod, and its sidecars.
func beside(pod *corev1.Pod) (specs []*corev1.Container) {
	for i := range pod.Spec.Containers {
		specs = append(specs, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if restart.Sidecar(&pod.Spec.InitContainers[i]) {
			specs = append(specs, &pod.Spec.InitContainers[i])
		}
	}
	return specs
}

func sandboxSecurity(pod *corev1.Pod, users *runtimeapi.UserNamespace) *runtimeapi.LinuxSandboxSecurityContext {
	security := &runtimeapi.LinuxSandboxSecurityContext{
		NamespaceOptions: namespaces(pod, users),
		Seccomp:          &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault},
		Privileged:       anyPrivileged(pod),
	}
	context := pod.Spec.SecurityContext
	if context == nil {
		return security
	}
	security.RunAsUser = int64Value(context.RunAsUser)
	if context.RunAsUser != nil { // CRI knows no group without a user
		security.RunAsGroup = int64Value(context.RunAsGroup)
	}
	if context.FSGroup != nil {
		security.SupplementalGroups = append(security.SupplementalGroups, *context.FSGroup)
	}
	security.SupplementalGroups = append(security.SupplementalGroups, context.SupplementalGroups...)
	if context.SupplementalGroupsPolicy != nil && *context.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict {
		security.SupplementalGroupsPolicy = runtimeapi.SupplementalGroupsPolicy_Strict
	}
	security.SelinuxOptions = selinux(context.SELinuxOptions)
	return security
}

func namespaces(pod *corev1.Pod, users *runtimeapi.UserNamespace) *runtimeapi.NamespaceOption {
	options := &runtimeapi.NamespaceOption{
		Network: runtimeapi.NamespaceMode_POD, Ipc: runtimeapi.NamespaceMode_POD, Pid: runtimeapi.NamespaceMode_CONTAINER,
		UsernsOptions: users,
	}
	if pod.Spec.HostNetwork {
		options.Network = runtimeapi.NamespaceMode_NODE
	}
	if pod.Spec.HostIPC {
		options.Ipc = runtimeapi.NamespaceMode_NODE
	}
	switch {
	case pod.Spec.HostPID:
		options.Pid = runtimeapi.NamespaceMode_NODE
	case pod.Spec.ShareProcessNamespace != nil && *pod.Spec.ShareProcessNamespace:
		options.Pid = runtimeapi.NamespaceMode_POD
	}
	return options
}

func anyPrivileged(pod *corev1.Pod) bool {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			if privileged(&containers[i]) {
				return true
			}
		}
	}
	return false
}

func privileged(spec *corev1.Container) bool {
	return spec.SecurityContext != nil && spec.SecurityContext.Privileged != nil && *spec.SecurityContext.Privileged
}

func sysctls(pod *corev1.Pod) map[string]string {
	if pod.Spec.SecurityContext == nil || len(pod.Spec.SecurityContext.Sysctls) == 0 {
		return nil
	}
	values := map[string]string{}
	for _, sysctl := range pod.Spec.SecurityContext.Sysctls {
		values[utilsysctl.NormalizeName(sysctl.Name)] = sysctl.Value
	}
	return values
}

func selinux(options *corev1.SELinuxOptions) *runtimeapi.SELinuxOption {
	if options == nil {
		return nil
	}
	return &runtimeapi.SELinuxOption{User: options.User, Role: options.Role, Type: options.Type, Level: options.Level}
}

func int64Value(value *int64) *runtimeapi.Int64Value {
	if value == nil {
		return nil
	}
	return &runtimeapi.Int64Value{Value: *value}
}

// logDir is where the runtime writes the logs of the pod's containers; "" without a root directory.
func (h *Host) logDir(pod *corev1.Pod) string {
	if h.RootDir == "" {
		return ""
	}
	return filepath.Join(h.RootDir, LogsDir, fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID))
}

// podDir holds all else that belongs to one pod.
func (h *Host) podDir(pod *corev1.Pod) string {
	return filepath.Join(h.RootDir, podsDir, string(pod.UID))
}

// Directories below the root. LogsDir has a directory for each pod, and in it one for each container.
const (
	podsDir = "pods"
	LogsDir = "logs"
)
