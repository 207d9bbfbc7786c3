package admission

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilsysctl "k8s.io/component-helpers/node/util/sysctl"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Check refuses a pod that cannot run here; nil lets it in. others are the pods that are here already.
type Check func(pod *corev1.Pod, others []*corev1.Pod) *status.Failure

// All are several checks in order.
func All(checks ...Check) Check {
	return func(pod *corev1.Pod, others []*corev1.Pod) *status.Failure {
		for _, check := range checks {
			if refused := check(pod, others); refused != nil {
				return refused
			}
		}
		return nil
	}
}

// OperatingSystem refuses a pod for another operating system than Linux.
func OperatingSystem(pod *corev1.Pod, _ []*corev1.Pod) *status.Failure {
	if pod.Spec.OS == nil || pod.Spec.OS.Name == corev1.Linux {
		return nil
	}
	return &status.Failure{Reason: "PodOSNotSupported", Message: "Failed to admit pod as the OS field doesn't match node OS"}
}

// AppArmor refuses a pod that wants to be confined by AppArmor where the kernel does not have it.
func AppArmor(enabled bool) Check {
	return func(pod *corev1.Pod, _ []*corev1.Pod) *status.Failure {
		if enabled || !confined(pod) {
			return nil
		}
		return &status.Failure{Reason: "AppArmor", Message: "Cannot enforce AppArmor: AppArmor is not enabled on the host"}
	}
}

func confined(pod *corev1.Pod) bool {
	asks := func(profile *corev1.AppArmorProfile) bool {
		return profile != nil && profile.Type != corev1.AppArmorProfileTypeUnconfined
	}
	if pod.Spec.SecurityContext != nil && asks(pod.Spec.SecurityContext.AppArmorProfile) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers), func(c corev1.Container) bool {
		return c.SecurityContext != nil && asks(c.SecurityContext.AppArmorProfile)
	})
}

// safeSysctls are those that a pod may set: the kernel keeps them apart for each pod, and none of them does harm to another pod.
var safeSysctls = []string{
	"kernel.shm_rmid_forced",
	"net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range",
	"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
}

// Sysctls refuses a pod that wants to set a kernel parameter which is neither safe nor among those that are allowed, or which the pod
// shares with the host. What is allowed is a name, or the beginning of one with a * after it.
func Sysctls(allowed ...string) Check {
	return func(pod *corev1.Pod, _ []*corev1.Pod) *status.Failure {
		return sysctls(pod, slices.Concat(safeSysctls, allowed))
	}
}

func sysctls(pod *corev1.Pod, allowed []string) *status.Failure {
	if pod.Spec.SecurityContext == nil {
		return nil
	}
	for _, sysctl := range pod.Spec.SecurityContext.Sysctls {
		name := utilsysctl.NormalizeName(sysctl.Name)
		namespace, _, _ := utilsysctl.GetNamespace(name)
		forbidden := ""
		switch {
		case !slices.ContainsFunc(allowed, func(pattern string) bool { return matches(pattern, name) }):
			forbidden = "not allowlisted"
		case namespace == utilsysctl.NetNamespace && pod.Spec.HostNetwork, namespace == utilsysctl.IPCNamespace && pod.Spec.HostIPC:
			forbidden = fmt.Sprintf("not allowed with host %s enabled", namespace)
		default:
			continue
		}
		return &status.Failure{Reason: "SysctlForbidden", Message: fmt.Sprintf("forbidden sysctl: %q %s", name, forbidden)}
	}
	return nil
}

// matches says whether a name is that of a pattern, or begins like one that ends in *.
func matches(pattern, name string) bool {
	begin, open := strings.CutSuffix(utilsysctl.NormalizeName(pattern), "*")
	return name == begin || open && strings.HasPrefix(name, begin)
}
