package kubeletconfig

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/cli/flag"
	utilsysctl "k8s.io/component-helpers/node/util/sysctl"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// validate says which values of what is obeyed mean nothing. What is not set means the default.
func validate(c *kubeletconfigv1beta1.KubeletConfiguration) (errs []error) {
	wrong := func(field string, value any, want string) {
		errs = append(errs, fmt.Errorf("%s: %v: want %s", field, value, want))
	}
	for field, value := range map[string]int64{
		"registryBurst": int64(c.RegistryBurst), "eventBurst": int64(c.EventBurst), "nodeLeaseDurationSeconds": int64(c.NodeLeaseDurationSeconds),
		"maxPods": int64(c.MaxPods), "podsPerCore": int64(c.PodsPerCore), "kubeAPIBurst": int64(c.KubeAPIBurst),
		"registryPullQPS": number(c.RegistryPullQPS), "eventRecordQPS": number(c.EventRecordQPS), "kubeAPIQPS": number(c.KubeAPIQPS),
	} {
		if value < 0 {
			wrong(field, value, "0 or more")
		}
	}
	for field, port := range map[string]int64{"port": int64(c.Port), "healthzPort": number(c.HealthzPort)} {
		if port < 0 || port > 65535 {
			wrong(field, port, "a number from 0 to 65535")
		}
	}
	for field, d := range durations(c) {
		if d < 0 {
			wrong(field, d, "no less than nothing")
		}
	}
	for field, address := range map[string]string{"address": c.Address, "healthzBindAddress": c.HealthzBindAddress} {
		if _, err := netip.ParseAddr(address); address != "" && err != nil {
			wrong(field, address, "an IP address")
		}
	}
	if at, err := url.Parse(c.StaticPodURL); c.StaticPodURL != "" && (err != nil || at.Scheme != "http" && at.Scheme != "https") {
		wrong("staticPodURL", c.StaticPodURL, "an address as in http://192.0.2.1/pods")
	}
	for i, address := range c.ClusterDNS {
		if _, err := netip.ParseAddr(address); err != nil {
			wrong(fmt.Sprintf("clusterDNS[%d]", i), address, "an IP address")
		}
	}
	for i, name := range c.AllowedUnsafeSysctls {
		if space, _, _ := utilsysctl.GetNamespace(name); space == utilsysctl.UnknownNamespace {
			wrong(fmt.Sprintf("allowedUnsafeSysctls[%d]", i), name, "a kernel parameter that each pod has for itself")
		}
	}
	if users := c.UserNamespaces; users != nil && users.IDsPerPod != nil && (*users.IDsPerPod <= 0 || *users.IDsPerPod%65536 != 0 || *users.IDsPerPod >= 1<<32) {
		wrong("userNamespaces.idsPerPod", *users.IDsPerPod, "a multiple of 65536 below 4294967296")
	}
	if (c.TLSCertFile == "") != (c.TLSPrivateKeyFile == "") {
		wrong("tlsCertFile", c.TLSCertFile, "a certificate together with its key in tlsPrivateKeyFile")
	}
	if _, err := flag.TLSVersion(c.TLSMinVersion); err != nil {
		wrong("tlsMinVersion", c.TLSMinVersion, "one of "+strings.Join(flag.TLSPossibleVersions(), ", "))
	}
	if _, err := flag.TLSCipherSuites(c.TLSCipherSuites); err != nil {
		errs = append(errs, fmt.Errorf("tlsCipherSuites: %w", err))
	}
	return slices.Concat(errs, images(c), logs(c), shutdown(c))
}

func durations(c *kubeletconfigv1beta1.KubeletConfiguration) map[string]time.Duration {
	all := map[string]time.Duration{
		"nodeStatusUpdateFrequency": c.NodeStatusUpdateFrequency.Duration, "nodeStatusReportFrequency": c.NodeStatusReportFrequency.Duration,
		"runtimeRequestTimeout": c.RuntimeRequestTimeout.Duration, "authentication.webhook.cacheTTL": c.Authentication.Webhook.CacheTTL.Duration,
		"authorization.webhook.cacheAuthorizedTTL":   c.Authorization.Webhook.CacheAuthorizedTTL.Duration,
		"authorization.webhook.cacheUnauthorizedTTL": c.Authorization.Webhook.CacheUnauthorizedTTL.Duration,
		"fileCheckFrequency":                         c.FileCheckFrequency.Duration, "httpCheckFrequency": c.HTTPCheckFrequency.Duration,
	}
	return all
}

func images(c *kubeletconfigv1beta1.KubeletConfiguration) (errs []error) {
	if most := c.NodeStatusMaxImages; most != nil && *most < -1 {
		errs = append(errs, fmt.Errorf("nodeStatusMaxImages: %d: want -1, for all of them, or more", *most))
	}
	switch parallel := c.MaxParallelImagePulls; {
	case parallel == nil:
	case *parallel < 1:
		errs = append(errs, fmt.Errorf("maxParallelImagePulls: %d: want 1 or more", *parallel))
	case *parallel > 1 && c.SerializeImagePulls != nil && *c.SerializeImagePulls:
		errs = append(errs, fmt.Errorf("maxParallelImagePulls: %d: want 1 with serializeImagePulls: true", *parallel))
	}
	return errs
}

// The kubelet's limits of how often logs are looked at, and of how long a container rests that keeps failing.
const (
	minMonitorInterval = 3 * time.Second
	minRestartPeriod   = time.Second
	maxRestartPeriod   = 5 * time.Minute
)

func logs(c *kubeletconfigv1beta1.KubeletConfiguration) (errs []error) {
	if c.ContainerLogMaxSize != "" {
		if size, err := resource.ParseQuantity(c.ContainerLogMaxSize); err != nil || size.Value() <= 0 {
			errs = append(errs, fmt.Errorf("containerLogMaxSize: %q: want a size, as in 10Mi", c.ContainerLogMaxSize))
		}
	}
	if files := c.ContainerLogMaxFiles; files != nil && *files <= 1 {
		errs = append(errs, fmt.Errorf("containerLogMaxFiles: %d: want 2 or more", *files))
	}
	if every := c.ContainerLogMonitorInterval; every != nil && every.Duration < minMonitorInterval {
		errs = append(errs, fmt.Errorf("containerLogMonitorInterval: %s: want %s or more", every.Duration, minMonitorInterval))
	}
	if longest := c.CrashLoopBackOff.MaxContainerRestartPeriod; longest != nil && !between(*longest, minRestartPeriod, maxRestartPeriod) {
		errs = append(errs, fmt.Errorf("crashLoopBackOff.maxContainerRestartPeriod: %s: want %s to %s", longest.Duration, minRestartPeriod, maxRestartPeriod))
	}
	return errs
}

// shutdown is about how long pods have to end when the machine goes down.
func shutdown(c *kubeletconfigv1beta1.KubeletConfiguration) (errs []error) {
	whole, critical := c.ShutdownGracePeriod.Duration, c.ShutdownGracePeriodCriticalPods.Duration
	for field, d := range map[string]time.Duration{"shutdownGracePeriod": whole, "shutdownGracePeriodCriticalPods": critical} {
		if d < 0 || d > 0 && d < time.Second {
			errs = append(errs, fmt.Errorf("%s: %s: want 0 or 1s or more", field, d))
		}
	}
	if critical > whole {
		errs = append(errs, fmt.Errorf("shutdownGracePeriodCriticalPods: %s: want shutdownGracePeriod (%s), of which it is a part, or less", critical, whole))
	}
	if len(c.ShutdownGracePeriodByPodPriority) > 0 && whole+critical > 0 {
		errs = append(errs, fmt.Errorf("shutdownGracePeriodByPodPriority: %d ranges: want none beside shutdownGracePeriod", len(c.ShutdownGracePeriodByPodPriority)))
	}
	return errs
}

func between(d metav1.Duration, least, most time.Duration) bool {
	return d.Duration >= least && d.Duration <= most
}

func number(field *int32) int64 {
	if field == nil {
		return 0
	}
	return int64(*field)
}
