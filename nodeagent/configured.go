package nodeagent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cpus"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/eviction"
	"github.com/orrery-dev/orrery/nodeagent/host"
	"github.com/orrery-dev/orrery/nodeagent/imagegc"
	"github.com/orrery-dev/orrery/nodeagent/kubeletconfig"
	"github.com/orrery-dev/orrery/nodeagent/logs"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/userns"
)

// configure fills in the configuration, with what the node's directory, group and runtime are, and looks whether the machine suits it.
func (o *Options) configure() error {
	c := &kubeletconfigv1beta1.KubeletConfiguration{}
	if o.Configuration != nil {
		c = o.Configuration.DeepCopy()
	}
	if err := CheckConfiguration(c); err != nil {
		return err
	}
	if c.EvictionHard == nil {
		c.EvictionHard = eviction.DefaultEvictionHard()
	}
	c.SetGroupVersionKind(kubeletconfigv1beta1.SchemeGroupVersion.WithKind("KubeletConfiguration"))
	c.PodLogsDir, c.CgroupRoot, c.ContainerRuntimeEndpoint = filepath.Join(o.RootDir, host.LogsDir), o.CgroupRoot, o.CRIEndpoint
	kubeletconfig.Default(c)
	o.Configuration = c
	o.allocatable, o.eviction, o.imageGC = reservedBy(c), evictionBy(c), imageGCBy(c)
	return errors.Join(suits(c), o.Serving.configure(c))
}

// CheckConfiguration says all that is wrong with a configuration before it is used.
func CheckConfiguration(c *kubeletconfigv1beta1.KubeletConfiguration) error {
	_, thresholds := evictionBy(c).Thresholds()
	_, reserved := reservedBy(c).Parse()
	_, managers := managersBy(c)
	return errors.Join(kubeletconfig.Check(c), thresholds, reserved, imageGCBy(c).Check(), managers)
}

func reservedBy(c *kubeletconfigv1beta1.KubeletConfiguration) node.ReservedSettings {
	kube, system := c.KubeReserved, c.SystemReserved
	if named, err := cpus.ParseReserved(c.ReservedSystemCPUs); err == nil && !named.IsEmpty() { // these are what is reserved of the CPU
		kube, system = maps.Clone(kube), maps.Clone(system)
		delete(kube, string(corev1.ResourceCPU))
		if system == nil {
			system = map[string]string{}
		}
		system[string(corev1.ResourceCPU)] = strconv.Itoa(named.Size())
	}
	return node.ReservedSettings{
		KubeReserved: kube, SystemReserved: system, EnforceNodeAllocatable: c.EnforceNodeAllocatable,
		KubeReservedCgroup: c.KubeReservedCgroup, SystemReservedCgroup: c.SystemReservedCgroup, PodPidsLimit: c.PodPidsLimit,
	}
}

func evictionBy(c *kubeletconfigv1beta1.KubeletConfiguration) eviction.Settings {
	return eviction.Settings{
		EvictionHard: c.EvictionHard, EvictionSoft: c.EvictionSoft, EvictionSoftGracePeriod: c.EvictionSoftGracePeriod,
		EvictionMinimumReclaim: c.EvictionMinimumReclaim, EvictionPressureTransitionPeriod: c.EvictionPressureTransitionPeriod.Duration,
		EvictionMaxPodGracePeriod:    c.EvictionMaxPodGracePeriod,
		MergeDefaultEvictionSettings: c.MergeDefaultEvictionSettings != nil && *c.MergeDefaultEvictionSettings,
	}
}

func imageGCBy(c *kubeletconfigv1beta1.KubeletConfiguration) imagegc.Settings {
	return imagegc.Settings{
		ImageMinimumGCAge: c.ImageMinimumGCAge.Duration, ImageMaximumGCAge: c.ImageMaximumGCAge.Duration,
		ImageGCHighThresholdPercent: c.ImageGCHighThresholdPercent, ImageGCLowThresholdPercent: c.ImageGCLowThresholdPercent,
	}
}

// suits says why a node cannot be on this machine.
func suits(c *kubeletconfigv1beta1.KubeletConfiguration) error {
	if *c.FailSwapOn && node.SwapOn("/proc/swaps") {
		return errors.New("the machine has swap, and failSwapOn is true: turn it off with 'swapoff -a', or allow it")
	}
	if *c.FailCgroupV1 && !cgroups.Unified(cgroupMount) {
		return fmt.Errorf("the machine has control groups of version 1 at %s, and failCgroupV1 is true", cgroupMount)
	}
	return nil
}

// cgroupMount is where control groups are.
const cgroupMount = "/sys/fs/cgroup"

// configure has the server show a certificate of files, and know clients by an authority of a file, where the configuration names them.
func (s *Serving) configure(c *kubeletconfigv1beta1.KubeletConfiguration) error {
	if !*c.EnableServer && s.Listener != nil {
		err := s.Listener.Close()
		if s.Listener = nil; err != nil {
			return fmt.Errorf("closing the server's listener: %w", err)
		}
	}
	if c.TLSCertFile != "" {
		watcher, err := certwatcher.New(c.TLSCertFile, c.TLSPrivateKeyFile)
		if err != nil {
			return fmt.Errorf("reading tlsCertFile and tlsPrivateKeyFile: %w", err)
		}
		s.renewal = watcher.Start
		s.Current = func() (*tls.Certificate, error) { return watcher.GetCertificate(nil) }
	}
	if file := c.Authentication.X509.ClientCAFile; file != "" {
		authorities, err := cert.NewPool(file)
		if err != nil {
			return fmt.Errorf("reading authentication.x509.clientCAFile: %w", err)
		}
		s.ClientCAs = authorities
	}
	return nil
}

// mostPods is how many pods a node with so many CPUs takes.
func mostPods(c *kubeletconfigv1beta1.KubeletConfiguration, cpus int64) int64 {
	most := int64(c.MaxPods)
	if c.PodsPerCore > 0 {
		most = min(most, int64(c.PodsPerCore)*cpus)
	}
	return most
}

// pullLimits are how images may be pulled.
func pullLimits(c *kubeletconfigv1beta1.KubeletConfiguration) cri.PullLimits {
	limits := cri.PullLimits{QPS: float32(*c.RegistryPullQPS), Burst: int(c.RegistryBurst)}
	switch {
	case *c.SerializeImagePulls:
		limits.Parallel = 1
	case c.MaxParallelImagePulls != nil:
		limits.Parallel = int(*c.MaxParallelImagePulls)
	}
	return limits
}

// userRanges are the IDs of pods with users of their own, with those that pods have which were here before.
func userRanges(ctx context.Context, o *Options) (*userns.Ranges, error) {
	perPod := int64(userns.DefaultIDsPerPod)
	if asked := o.Configuration.UserNamespaces; asked != nil && asked.IDsPerPod != nil {
		perPod = *asked.IDsPerPod
	}
	ids, err := userns.OfNode(ctx, perPod)
	if err != nil {
		return nil, err
	}
	ranges, err := userns.New(ids, perPod, int(o.Capacity.Pods().Value()))
	if err != nil {
		return nil, err
	}
	return ranges, host.RecordUsers(o.RootDir, ranges)
}

// logs rotates the logs of containers.
func (a *Agent) logs() *logs.Manager {
	o, c := &a.options, a.options.Configuration
	size := resource.MustParse(c.ContainerLogMaxSize) // complete has parsed it
	return &logs.Manager{
		Dir: c.PodLogsDir, Runtime: o.Runtime, MaxSize: size.Value(), MaxFiles: int(*c.ContainerLogMaxFiles),
		Every: c.ContainerLogMonitorInterval.Duration, Clock: o.Clock, Log: o.Log,
	}
}

// rates are how many requests a second clients of the API server make: all but events, and events. What is zero is left to the server's
// own fairness.
type rates struct{ all, events rate }

type rate struct {
	qps   float32
	burst int
}

func ratesOf(c *kubeletconfigv1beta1.KubeletConfiguration) rates {
	r := rates{events: rate{float32(*c.EventRecordQPS), int(c.EventBurst)}}
	if c.KubeAPIQPS != nil {
		r.all = rate{float32(*c.KubeAPIQPS), int(c.KubeAPIBurst)}
	}
	return r
}

// limit returns a copy of a client's configuration with the rate.
func (r rate) limit(config *rest.Config) *rest.Config {
	limited := rest.CopyConfig(config)
	if r.qps > 0 {
		limited.QPS, limited.Burst = r.qps, r.burst
	} else if limited.QPS == 0 {
		limited.QPS = -1
	}
	return limited
}
