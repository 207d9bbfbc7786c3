package kubeletconfig

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logsapi "k8s.io/component-base/logs/api/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// Default fills in what is not set, as the kubelet does. Where nothing is said this node differs from it in these: it pulls images in
// parallel, answers /healthz on no further port, does not verify pull credentials again, has no flags that can be changed while it runs,
// runs where there is swap and with control groups of version 1, leaves its own OOM score alone, and its requests to the API server to
// the server's own fairness.
func Default(c *kubeletconfigv1beta1.KubeletConfiguration) {
	score, qps, burst := c.OOMScoreAdj, c.KubeAPIQPS, c.KubeAPIBurst
	put(&c.SerializeImagePulls, false)
	put(&c.HealthzPort, 0)
	put(&c.EnableDebugFlagsHandler, false)
	put(&c.FailSwapOn, false)
	put(&c.FailCgroupV1, false)
	or(&c.ImagePullCredentialsVerificationPolicy, kubeletconfigv1beta1.NeverVerify)
	kubeletsDefaults(c)
	c.OOMScoreAdj, c.KubeAPIQPS, c.KubeAPIBurst = score, qps, burst
}

// kubeletsDefaults fills in what upstream's kubelet does where nothing is said.
func kubeletsDefaults(c *kubeletconfigv1beta1.KubeletConfiguration) {
	serverDefaults(c)
	nodeDefaults(c)
	podDefaults(c)
	managerDefaults(c)
}

func serverDefaults(c *kubeletconfigv1beta1.KubeletConfiguration) {
	put(&c.EnableServer, true)
	or(&c.Address, "0.0.0.0")
	or(&c.Port, 10250)
	put(&c.Authentication.Anonymous.Enabled, false)
	put(&c.Authentication.Webhook.Enabled, true)
	or(&c.Authentication.Webhook.CacheTTL, duration(2*time.Minute))
	or(&c.Authorization.Mode, kubeletconfigv1beta1.KubeletAuthorizationModeWebhook)
	or(&c.Authorization.Webhook.CacheAuthorizedTTL, duration(5*time.Minute))
	or(&c.Authorization.Webhook.CacheUnauthorizedTTL, duration(30*time.Second))
	put(&c.HealthzPort, 10248)
	or(&c.HealthzBindAddress, "127.0.0.1")
	or(&c.StreamingConnectionIdleTimeout, duration(4*time.Hour))
	for _, handler := range []**bool{&c.EnableDebuggingHandlers, &c.EnableSystemLogHandler, &c.EnableProfilingHandler, &c.EnableDebugFlagsHandler} {
		put(handler, true)
	}
	logsapi.SetRecommendedLoggingConfiguration(&c.Logging)
}

func nodeDefaults(c *kubeletconfigv1beta1.KubeletConfiguration) {
	reports := duration(5 * time.Minute)
	if c.NodeStatusUpdateFrequency != (metav1.Duration{}) {
		reports = c.NodeStatusUpdateFrequency
	}
	or(&c.NodeStatusReportFrequency, reports)
	or(&c.NodeStatusUpdateFrequency, duration(10*time.Second))
	or(&c.NodeLeaseDurationSeconds, 40)
	put(&c.NodeStatusMaxImages, 50)
	put(&c.RegisterNode, true)
	put(&c.EventRecordQPS, 50)
	or(&c.EventBurst, 100)
	put(&c.KubeAPIQPS, 50)
	or(&c.KubeAPIBurst, 100)
	or(&c.ContentType, "application/vnd.kubernetes.protobuf")
	put(&c.OOMScoreAdj, -999)
	or(&c.MaxOpenFiles, 1000000)
	put(&c.FailSwapOn, true)
	put(&c.FailCgroupV1, true)
	put(&c.MakeIPTablesUtilChains, true)
	put(&c.IPTablesMasqueradeBit, 14)
	put(&c.IPTablesDropBit, 15)
	put(&c.EnableControllerAttachDetach, true)
	put(&c.LocalStorageCapacityIsolation, true)
	or(&c.VolumePluginDir, "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/")
	or(&c.ContainerRuntimeEndpoint, "unix:///run/containerd/containerd.sock")
	or(&c.PodLogsDir, "/var/log/pods")
}

func podDefaults(c *kubeletconfigv1beta1.KubeletConfiguration) {
	or(&c.SyncFrequency, duration(time.Minute))
	or(&c.FileCheckFrequency, duration(20*time.Second))
	or(&c.HTTPCheckFrequency, duration(20*time.Second))
	put(&c.RegistryPullQPS, 5)
	or(&c.RegistryBurst, 10)
	put(&c.SerializeImagePulls, c.MaxParallelImagePulls == nil || *c.MaxParallelImagePulls < 2)
	or(&c.ImagePullCredentialsVerificationPolicy, kubeletconfigv1beta1.NeverVerifyPreloadedImages)
	or(&c.RuntimeRequestTimeout, duration(2*time.Minute))
	or(&c.HairpinMode, kubeletconfigv1beta1.PromiscuousBridge)
	or(&c.MaxPods, 110)
	put(&c.PodPidsLimit, -1)
	put(&c.ResolverConfig, "/etc/resolv.conf")
	put(&c.CPUCFSQuota, true)
	put(&c.CPUCFSQuotaPeriod, duration(100*time.Millisecond))
	put(&c.SeccompDefault, false)
	or(&c.ContainerLogMaxSize, "10Mi")
	put(&c.ContainerLogMaxFiles, 5)
	put(&c.ContainerLogMaxWorkers, 1)
	put(&c.ContainerLogMonitorInterval, duration(10*time.Second))
	or(&c.ConfigMapAndSecretChangeDetectionStrategy, kubeletconfigv1beta1.WatchChangeDetectionStrategy)
	put(&c.CrashLoopBackOff.MaxContainerRestartPeriod, duration(5*time.Minute))
}

// managerDefaults are about what the node has, and who gets it.
func managerDefaults(c *kubeletconfigv1beta1.KubeletConfiguration) {
	or(&c.ImageMinimumGCAge, duration(2*time.Minute))
	put(&c.ImageGCHighThresholdPercent, 85)
	put(&c.ImageGCLowThresholdPercent, 80)
	or(&c.VolumeStatsAggPeriod, duration(time.Minute))
	put(&c.CgroupsPerQOS, true)
	or(&c.CgroupDriver, "cgroupfs")
	or(&c.CPUManagerPolicy, "none")
	or(&c.CPUManagerReconcilePeriod, duration(10*time.Second))
	or(&c.MemoryManagerPolicy, kubeletconfigv1beta1.NoneMemoryManagerPolicy)
	or(&c.TopologyManagerPolicy, kubeletconfigv1beta1.NoneTopologyManagerPolicy)
	or(&c.TopologyManagerScope, kubeletconfigv1beta1.ContainerTopologyManagerScope)
	or(&c.EvictionPressureTransitionPeriod, duration(5*time.Minute))
	put(&c.MergeDefaultEvictionSettings, false)
	or(&c.MemoryReservationPolicy, kubeletconfigv1beta1.NoneMemoryReservationPolicy)
	if c.EnforceNodeAllocatable == nil {
		c.EnforceNodeAllocatable = []string{"pods"}
	}
}

func duration(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }

// put sets what is nil.
func put[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// or sets what is zero.
func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
