package config

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	componentconfigv1alpha1 "k8s.io/component-base/config/v1alpha1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// defaultPlugins are enabled in multiPoint, in the order of kube-scheduler and with its weights.
func defaultPlugins() *configv1.Plugins {
	return &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{
		{Name: "SchedulingGates"},
		{Name: "PrioritySort"},
		{Name: "NodeName"},
		{Name: "NodeUnschedulable"},
		{Name: "TaintToleration", Weight: ptr.To[int32](3)},
		{Name: "NodeAffinity", Weight: ptr.To[int32](2)},
		{Name: "NodePorts"},
		{Name: "NodeResourcesFit", Weight: ptr.To[int32](1)},
		{Name: "VolumeRestrictions"},
		{Name: "NodeVolumeLimits"},
		{Name: "VolumeBinding"},
		{Name: "VolumeZone"},
		{Name: "PodTopologySpread", Weight: ptr.To[int32](2)},
		{Name: "InterPodAffinity", Weight: ptr.To[int32](2)},
		{Name: "DynamicResources", Weight: ptr.To[int32](2)},
		{Name: "DefaultPreemption"},
		{Name: "NodeResourcesBalancedAllocation", Weight: ptr.To[int32](1)},
		{Name: "ImageLocality", Weight: ptr.To[int32](1)},
		{Name: "DefaultBinder"},
		{Name: "NodeDeclaredFeatures"},
		{Name: "GangScheduling"},
	}}}
}

// setDefaults fills in what is not set. Without leader election being asked for, there is none: kube-scheduler defaults
// to it because it expects to run several times, but a lease left behind would delay the restart of a single one.
func setDefaults(config *configv1.KubeSchedulerConfiguration) {
	setDefault(&config.Parallelism, 16)
	setDefault(&config.PercentageOfNodesToScore, 0)
	setDefault(&config.PodInitialBackoffSeconds, 1)
	setDefault(&config.PodMaxBackoffSeconds, 10)
	if config.LeaderElection.LeaderElect == nil {
		config.LeaderElection.LeaderElect = ptr.To(false)
	}
	setDefaultString(&config.LeaderElection.ResourceLock, "leases")
	setDefaultString(&config.LeaderElection.ResourceNamespace, configv1.SchedulerDefaultLockObjectNamespace)
	setDefaultString(&config.LeaderElection.ResourceName, configv1.SchedulerDefaultLockObjectName)
	componentconfigv1alpha1.RecommendedDefaultLeaderElectionConfiguration(&config.LeaderElection)
	if len(config.Profiles) == 0 {
		config.Profiles = []configv1.KubeSchedulerProfile{{}}
	}
	if len(config.Profiles) == 1 && config.Profiles[0].SchedulerName == nil {
		config.Profiles[0].SchedulerName = ptr.To(corev1.DefaultSchedulerName)
	}
	for i := range config.Profiles {
		setProfileDefaults(&config.Profiles[i])
	}
}

func setProfileDefaults(profile *configv1.KubeSchedulerProfile) {
	profile.Plugins = mergePlugins(defaultPlugins(), profile.Plugins)
	profile.PluginConfig = completeArgs(profile.PluginConfig, framework.Enabled(profile.Plugins))
}

// mergePlugins puts a user's plugins into the default ones, extension point by extension point.
func mergePlugins(defaults, custom *configv1.Plugins) *configv1.Plugins {
	if custom == nil {
		return defaults
	}
	merged := custom.DeepCopy()
	merged.MultiPoint = mergeSet(defaults.MultiPoint, custom.MultiPoint)
	return merged
}

// mergeSet keeps the defaults that are not disabled, in their places but with the user's settings, and appends what the
// user adds. "*" disables all defaults.
func mergeSet(defaults, custom configv1.PluginSet) configv1.PluginSet {
	added := slices.Clone(custom.Enabled)
	disabled := func(name string) bool {
		return slices.ContainsFunc(custom.Disabled, func(p configv1.Plugin) bool { return p.Name == name || p.Name == "*" })
	}
	var enabled []configv1.Plugin
	for _, plugin := range defaults.Enabled {
		if disabled(plugin.Name) {
			continue
		}
		same := func(p configv1.Plugin) bool { return p.Name == plugin.Name }
		if index := slices.IndexFunc(added, same); index >= 0 {
			plugin = added[index]
			added = slices.Delete(added, index, index+1)
		}
		enabled = append(enabled, plugin)
	}
	return configv1.PluginSet{Enabled: append(enabled, added...), Disabled: custom.Disabled}
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func setDefaultString(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
