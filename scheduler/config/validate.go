package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

func validate(config *configv1.KubeSchedulerConfiguration, plugins []string) field.ErrorList {
	var errs field.ErrorList
	if *config.Parallelism <= 0 {
		errs = append(errs, field.Invalid(field.NewPath("parallelism"), *config.Parallelism, "must be greater than 0"))
	}
	errs = append(errs, validatePercentage(field.NewPath("percentageOfNodesToScore"), config.PercentageOfNodesToScore)...)
	initial, longest := *config.PodInitialBackoffSeconds, *config.PodMaxBackoffSeconds
	if initial <= 0 {
		errs = append(errs, field.Invalid(field.NewPath("podInitialBackoffSeconds"), initial, "must be greater than 0"))
	}
	if longest < initial {
		errs = append(errs, field.Invalid(field.NewPath("podMaxBackoffSeconds"), longest,
			"must be greater than or equal to podInitialBackoffSeconds"))
	}
	if config.ClientConnection.Burst < 0 {
		errs = append(errs, field.Invalid(field.NewPath("clientConnection", "burst"), config.ClientConnection.Burst, "must be non-negative"))
	}
	errs = append(errs, validateLeaderElection(field.NewPath("leaderElection"), &config.LeaderElection)...)
	errs = append(errs, validateExtenders(field.NewPath("extenders"), config.Extenders)...)
	return append(errs, validateProfiles(field.NewPath("profiles"), config.Profiles, plugins)...)
}

func validateProfiles(path *field.Path, profiles []configv1.KubeSchedulerProfile, plugins []string) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, profile := range profiles {
		path := path.Index(i)
		switch {
		case profile.SchedulerName == nil || *profile.SchedulerName == "":
			errs = append(errs, field.Required(path.Child("schedulerName"), "each of several profiles needs a name of its own"))
		case seen[*profile.SchedulerName]:
			errs = append(errs, field.Duplicate(path.Child("schedulerName"), *profile.SchedulerName))
		default:
			seen[*profile.SchedulerName] = true
		}
		errs = append(errs, validatePercentage(path.Child("percentageOfNodesToScore"), profile.PercentageOfNodesToScore)...)
		errs = append(errs, validatePluginConfig(path.Child("pluginConfig"), profile.PluginConfig, plugins)...)
		errs = append(errs, validateQueueSort(path, profile, profiles[0])...)
	}
	return errs
}

// validateQueueSort checks that a profile orders the queue as the first one does.
func validateQueueSort(path *field.Path, profile, first configv1.KubeSchedulerProfile) field.ErrorList {
	var errs field.ErrorList
	const why = "must be the same in all profiles, because they share one queue"
	sorts := first.Plugins.QueueSort
	if !equality.Semantic.DeepEqual(profile.Plugins.QueueSort, sorts) {
		errs = append(errs, field.Invalid(path.Child("plugins", "queueSort"), profile.Plugins.QueueSort, why))
	}
	if len(sorts.Enabled) == 0 {
		return errs
	}
	if len(sorts.Enabled) > 1 {
		errs = append(errs, field.TooMany(path.Child("plugins", "queueSort", "enabled"), len(sorts.Enabled), 1))
	}
	argsOf := func(profile configv1.KubeSchedulerProfile) (int, *configv1.PluginConfig) {
		index := slices.IndexFunc(profile.PluginConfig, func(c configv1.PluginConfig) bool { return c.Name == sorts.Enabled[0].Name })
		if index < 0 {
			return index, nil
		}
		return index, &profile.PluginConfig[index]
	}
	_, wanted := argsOf(first)
	if index, own := argsOf(profile); own != nil && !equality.Semantic.DeepEqual(own, wanted) {
		errs = append(errs, field.Invalid(path.Child("pluginConfig").Index(index).Child("args"), own.Args.Object, why))
	}
	return errs
}

func validateOwnPlugins(config *configv1.KubeSchedulerConfiguration, plugins []string) field.ErrorList {
	var errs field.ErrorList
	for i, profile := range config.Profiles {
		if profile.Plugins != nil {
			errs = append(errs, validatePlugins(field.NewPath("profiles").Index(i).Child("plugins"), profile.Plugins, plugins)...)
		}
	}
	return errs
}

func validatePercentage(path *field.Path, percentage *int32) field.ErrorList {
	if percentage == nil || *percentage >= 0 && *percentage <= 100 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, *percentage, "must be from 0 to 100; 0 means by the size of the cluster")}
}

func validatePlugins(path *field.Path, config *configv1.Plugins, plugins []string) field.ErrorList {
	errs := validateSet(path.Child("multiPoint"), config.MultiPoint, plugins)
	for _, point := range framework.Sets(config) {
		name := strings.ToLower(point.Name[:1]) + point.Name[1:]
		errs = append(errs, validateSet(path.Child(name), *point.Set, plugins)...)
	}
	return errs
}

func validateSet(path *field.Path, set configv1.PluginSet, plugins []string) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, plugin := range set.Enabled {
		path := path.Child("enabled").Index(i)
		if !slices.Contains(plugins, plugin.Name) {
			errs = append(errs, field.NotSupported(path.Child("name"), plugin.Name, plugins))
		}
		if seen[plugin.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), plugin.Name))
		}
		seen[plugin.Name] = true
		if plugin.Weight != nil && *plugin.Weight < 0 {
			errs = append(errs, field.Invalid(path.Child("weight"), *plugin.Weight, "must be greater than 0; 0 means 1"))
		}
	}
	return errs
}

func validatePluginConfig(path *field.Path, configs []configv1.PluginConfig, plugins []string) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, config := range configs {
		path := path.Index(i)
		if !slices.Contains(plugins, config.Name) {
			errs = append(errs, field.NotSupported(path.Child("name"), config.Name, plugins))
		}
		if seen[config.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), config.Name))
		}
		seen[config.Name] = true
		errs = append(errs, validateArgs(path.Child("args"), config)...)
	}
	return errs
}
