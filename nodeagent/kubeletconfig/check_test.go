package kubeletconfig

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"
)

func TestWhatIsWrongIsSaidByNameAndValue(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*kubeletconfigv1beta1.KubeletConfiguration)
		want   string
	}{
		{"another driver of control groups", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.CgroupDriver = "systemd" },
			`cgroupDriver: "systemd": this node does not obey it: it writes control groups itself (cgroupfs)`},
		{"anybody may ask", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.Authentication.Anonymous.Enabled = ptr.To(true) },
			"authentication.anonymous.enabled: true: this node does not obey it: nobody may ask it anything without being known"},
		{"a part of the logging, as by default", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.Logging.Format = "text" }, ""},
		{"another part of it", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.Logging.Verbosity = 4 }, "what the log says is chosen with --v"},
		{"what the network does in any case", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.HairpinMode = "hairpin-veth" }, ""},
		{"what it does not", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.HairpinMode = "none" }, `hairpinMode: "none"`},
		{"a number of pods that is none", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.MaxPods = -1 }, "maxPods: -1: want 0 or more"},
		{"a port that is none", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.Port = 65536 }, "port: 65536: want a number from 0 to 65535"},
		{"an address that is none", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.ClusterDNS = []string{"192.0.2.1", "dns"} },
			"clusterDNS[1]: dns: want an IP address"},
		{"a certificate without its key", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.TLSCertFile = "/tls.crt" }, "tlsPrivateKeyFile"},
		{"a cipher that is none", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.TLSCipherSuites = []string{"ROT13"} }, "tlsCipherSuites: "},
		{"a version that is none", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.TLSMinVersion = "2" }, "tlsMinVersion: 2: want one of "},
		{"one pull at a time, and several", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.SerializeImagePulls, c.MaxParallelImagePulls = ptr.To(true), ptr.To[int32](2)
		}, "maxParallelImagePulls: 2: want 1 with serializeImagePulls: true"},
		{"one log file", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.ContainerLogMaxFiles = ptr.To[int32](1) }, "containerLogMaxFiles: 1: want 2 or more"},
		{"a size that is none", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.ContainerLogMaxSize = "large" }, `containerLogMaxSize: "large"`},
		{"logs that are looked at all the time", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.ContainerLogMonitorInterval = &metav1.Duration{Duration: time.Second}
		}, "containerLogMonitorInterval: 1s: want 3s or more"},
		{"a rest that is too long", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.CrashLoopBackOff.MaxContainerRestartPeriod = &metav1.Duration{Duration: time.Hour}
		}, "crashLoopBackOff.maxContainerRestartPeriod: 1h0m0s: want 1s to 5m0s"},
		{"less than a second to end", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.ShutdownGracePeriod.Duration = time.Millisecond
		}, "shutdownGracePeriod: 1ms: want 0 or 1s or more"},
		{"more for critical pods than for all", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.ShutdownGracePeriod.Duration, c.ShutdownGracePeriodCriticalPods.Duration = 10*time.Second, 20*time.Second
		}, "shutdownGracePeriodCriticalPods: 20s: want shutdownGracePeriod (10s), of which it is a part, or less"},
		{"two ways to end pods", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.ShutdownGracePeriod.Duration = 10 * time.Second
			c.ShutdownGracePeriodByPodPriority = []kubeletconfigv1beta1.ShutdownGracePeriodByPodPriority{{ShutdownGracePeriodSeconds: 5}}
		}, "shutdownGracePeriodByPodPriority: 1 ranges: want none beside shutdownGracePeriod"},
		{"manifests that are served by nobody", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.StaticPodURL = "/etc/pods" },
			"staticPodURL: /etc/pods: want an address"},
		{"a kernel parameter of the host", func(c *kubeletconfigv1beta1.KubeletConfiguration) {
			c.AllowedUnsafeSysctls = []string{"net.core.*", "vm.swappiness"}
		},
			"allowedUnsafeSysctls[1]: vm.swappiness: want a kernel parameter that each pod has for itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &kubeletconfigv1beta1.KubeletConfiguration{}
			test.change(c)
			err := Check(c)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("it is refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	err := Check(&kubeletconfigv1beta1.KubeletConfiguration{ReadOnlyPort: 10255, CgroupDriver: "systemd", MaxPods: -1})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three lines", err)
	}
}
