package host

import (
	"errors"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// AppArmorEnabled says whether this machine's kernel has AppArmor.
func AppArmorEnabled() bool {
	enabled, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && strings.HasPrefix(string(enabled), "Y")
}

// apparmor is the profile that was asked for; nil leaves it to the runtime, which confines what is not privileged where the kernel
// can. A profile that the kernel cannot hold is refused.
func (h *Host) apparmor(profile *corev1.AppArmorProfile, privileged bool) (*runtimeapi.SecurityProfile, error) {
	switch {
	case profile == nil:
		return nil, nil //nolint:nilnil // no profile is what was asked for
	case profile.Type == corev1.AppArmorProfileTypeUnconfined:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined}, nil
	case h.RootDir != "" && !h.AppArmor:
		return nil, errors.New("cannot enforce AppArmor: AppArmor is not enabled on the host")
	case privileged:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined}, nil
	case profile.Type == corev1.AppArmorProfileTypeLocalhost && profile.LocalhostProfile != nil:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: *profile.LocalhostProfile}, nil
	default:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}, nil
	}
}
