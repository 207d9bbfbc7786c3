package admission

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

func TestWhatAMachineRefuses(t *testing.T) {
	sysctl := func(name string, change func(*corev1.PodSpec)) corev1.PodSpec {
		spec := corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: name, Value: "1"}}}}
		if change != nil {
			change(&spec)
		}
		return spec
	}
	profile := &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeRuntimeDefault}
	const without, with = false, true
	for _, test := range []struct {
		name     string
		appArmor bool
		spec     corev1.PodSpec
		want     string
	}{
		{"nothing of a pod for Linux", without, corev1.PodSpec{OS: &corev1.PodOS{Name: corev1.Linux}}, ""},
		{"a pod for Windows", without, corev1.PodSpec{OS: &corev1.PodOS{Name: corev1.Windows}},
			"PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS"},
		{"a profile of AppArmor where there is none", without, corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{AppArmorProfile: profile}},
			"AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host"},
		{"that of a container as well", without, corev1.PodSpec{InitContainers: []corev1.Container{{SecurityContext: &corev1.SecurityContext{AppArmorProfile: profile}}}},
			"AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host"},
		{"no profile where AppArmor is", with, corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{AppArmorProfile: profile}}, ""},
		{"no parameter that each pod has for itself", without, sysctl("net.ipv4.ip_unprivileged_port_start", nil), ""},
		{"not by its other spelling either", without, sysctl("net/ipv4/ip_unprivileged_port_start", nil), ""},
		{"a parameter of the host", without, sysctl("kernel.panic", nil), `SysctlForbidden: forbidden sysctl: "kernel.panic" not allowlisted`},
		{"a parameter that may harm others", without, sysctl("net.ipv4.ip_forward", nil), `SysctlForbidden: forbidden sysctl: "net.ipv4.ip_forward" not allowlisted`},
		{"no parameter that is allowed here", without, sysctl("net/ipv4/tcp_mtu_probing", nil), ""},
		{"no parameter whose name begins as is allowed here", without, sysctl("net.core.somaxconn", nil), ""},
		{"one that is allowed here, of the host's network", without, sysctl("net.core.somaxconn", func(s *corev1.PodSpec) { s.HostNetwork = true }),
			`SysctlForbidden: forbidden sysctl: "net.core.somaxconn" not allowed with host Net enabled`},
		{"a parameter of the host's network", without, sysctl("net.ipv4.tcp_syncookies", func(s *corev1.PodSpec) { s.HostNetwork = true }),
			`SysctlForbidden: forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host Net enabled`},
		{"a parameter of the host's IPC", without, sysctl("kernel.shm_rmid_forced", func(s *corev1.PodSpec) { s.HostIPC = true }),
			`SysctlForbidden: forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host IPC enabled`},
		{"huge pages of the pod as a whole", without, corev1.PodSpec{Resources: &corev1.ResourceRequirements{
			Limits: corev1.ResourceList{"hugepages-2Mi": resource.MustParse("2Mi")},
		}}, "PodFeatureUnsupported: huge pages of the pod as a whole (spec.resources): not supported by this node"},
		{"a volume of a kind that it does not make", without, corev1.PodSpec{Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			NFS: &corev1.NFSVolumeSource{},
		}}}}, "PodFeatureUnsupported: volumes of this kind (nfs of volume data): not supported by this node"},
		{"no users of its own", without, corev1.PodSpec{HostUsers: ptr.To(false)}, ""},
		{"not the restart of all containers", without, corev1.PodSpec{Containers: []corev1.Container{{Name: "main", RestartPolicyRules: []corev1.ContainerRestartRule{
			{Action: corev1.ContainerRestartRuleActionRestartAllContainers},
		}}}}, ""},
		{"a rule of a later version", without, corev1.PodSpec{Containers: []corev1.Container{{Name: "main", RestartPolicyRules: []corev1.ContainerRestartRule{
			{Action: "Later"},
		}}}}, "PodFeatureUnsupported: rules that do other things than restart the container, or all of them (restartPolicyRules.action of container main): not supported by this node"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			judge := All(OperatingSystem, Features, AppArmor(test.appArmor), Sysctls("net.core.*", "net.ipv4.tcp_mtu_probing"))
			if why := judge(&corev1.Pod{Spec: test.spec}, nil); why != nil {
				got = why.Reason + ": " + why.Message
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
