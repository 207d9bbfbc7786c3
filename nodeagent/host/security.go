package host

import (
	"fmt"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// Paths that a container does not see, or cannot write, unless its procMount says so; upstream's defaults.
var (
	maskedPaths = []string{
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// containerSecurity is the container's own security context over the pod's.
func (h *Host) containerSecurity(pod *corev1.Pod, spec *corev1.Container, image pods.ImageUser) (*runtimeapi.LinuxContainerSecurityContext, error) {
	effective := effectiveContext(pod, spec)
	if err := checkNonRoot(pod, spec, effective, image); err != nil {
		return nil, err
	}
	apparmor, err := h.apparmor(effective.AppArmorProfile, privileged(spec))
	if err != nil {
		return nil, err
	}
	users, err := h.users(pod)
	if err != nil {
		return nil, err
	}
	sandbox := sandboxSecurity(pod, users)
	security := &runtimeapi.LinuxContainerSecurityContext{
		Privileged:               privileged(spec),
		NamespaceOptions:         sandbox.NamespaceOptions,
		SupplementalGroups:       sandbox.SupplementalGroups,
		SupplementalGroupsPolicy: sandbox.SupplementalGroupsPolicy,
		RunAsUser:                int64Value(effective.RunAsUser),
		SelinuxOptions:           selinux(effective.SELinuxOptions),
		Seccomp:                  h.seccomp(effective.SeccompProfile, privileged(spec)),
		Apparmor:                 apparmor,
		NoNewPrivs:               effective.AllowPrivilegeEscalation != nil && !*effective.AllowPrivilegeEscalation,
		ReadonlyRootfs:           effective.ReadOnlyRootFilesystem != nil && *effective.ReadOnlyRootFilesystem,
	}
	if effective.RunAsUser != nil {
		security.RunAsGroup = int64Value(effective.RunAsGroup)
	}
	if capabilities := effective.Capabilities; capabilities != nil {
		security.Capabilities = &runtimeapi.Capability{AddCapabilities: names(capabilities.Add), DropCapabilities: names(capabilities.Drop)}
	}
	unmasked := effective.ProcMount != nil && *effective.ProcMount == corev1.UnmaskedProcMount
	if !security.Privileged && !unmasked {
		security.MaskedPaths, security.ReadonlyPaths = maskedPaths, readonlyPaths
	}
	return security, nil
}

func effectiveContext(pod *corev1.Pod, spec *corev1.Container) *corev1.SecurityContext {
	effective := &corev1.SecurityContext{}
	if spec.SecurityContext != nil {
		effective = spec.SecurityContext.DeepCopy()
	}
	inherited := pod.Spec.SecurityContext
	if inherited == nil {
		return effective
	}
	if effective.RunAsUser == nil {
		effective.RunAsUser = inherited.RunAsUser
	}
	if effective.RunAsGroup == nil {
		effective.RunAsGroup = inherited.RunAsGroup
	}
	if effective.RunAsNonRoot == nil {
		effective.RunAsNonRoot = inherited.RunAsNonRoot
	}
	if effective.SELinuxOptions == nil {
		effective.SELinuxOptions = inherited.SELinuxOptions
	}
	if effective.SeccompProfile == nil {
		effective.SeccompProfile = inherited.SeccompProfile
	}
	if effective.AppArmorProfile == nil {
		effective.AppArmorProfile = inherited.AppArmorProfile
	}
	return effective
}

// checkNonRoot holds runAsNonRoot: by the pod's own user, or else by the image's, of which only a number can be judged.
func checkNonRoot(pod *corev1.Pod, spec *corev1.Container, effective *corev1.SecurityContext, image pods.ImageUser) error {
	where := fmt.Sprintf("(pod: \"%s_%s(%s)\", container: %s)", pod.Name, pod.Namespace, pod.UID, spec.Name)
	switch {
	case effective.RunAsNonRoot == nil || !*effective.RunAsNonRoot:
		return nil
	case effective.RunAsUser != nil && *effective.RunAsUser != 0:
		return nil
	case effective.RunAsUser != nil:
		return fmt.Errorf("container's runAsUser breaks non-root policy %s", where)
	case image.Name != "":
		return fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root %s", image.Name, where)
	case image.UID == 0:
		return fmt.Errorf("container has runAsNonRoot and image will run as root %s", where)
	default:
		return nil
	}
}

// seccompDir is where the files of Localhost profiles are, below the root directory; the kubelet's name for it.
const seccompDir = "seccomp"

// seccomp is the profile that was asked for, or else the default one.
func (h *Host) seccomp(profile *corev1.SeccompProfile, privileged bool) *runtimeapi.SecurityProfile {
	asked := corev1.SeccompProfileTypeUnconfined
	switch {
	case profile != nil:
		asked = profile.Type
	case h.SeccompDefault:
		asked = corev1.SeccompProfileTypeRuntimeDefault
	}
	switch {
	case privileged || asked == corev1.SeccompProfileTypeUnconfined:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined}
	case asked == corev1.SeccompProfileTypeLocalhost && profile.LocalhostProfile != nil:
		file := filepath.Join(h.RootDir, seccompDir, *profile.LocalhostProfile)
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: file}
	default:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}
	}
}

func names(capabilities []corev1.Capability) []string {
	var list []string
	for _, capability := range capabilities {
		list = append(list, strings.TrimPrefix(string(capability), "CAP_"))
	}
	return list
}
