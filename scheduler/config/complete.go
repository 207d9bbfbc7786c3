package config

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Complete returns a copy of a configuration with defaults set, and its profiles. A nil configuration is all defaults.
// plugins are the names of those that exist. The error lists everything that is wrong, by field.
func Complete(config *configv1.KubeSchedulerConfiguration, plugins []string) (*configv1.KubeSchedulerConfiguration, []framework.Profile, error) {
	if config == nil {
		config = &configv1.KubeSchedulerConfiguration{}
	}
	config = config.DeepCopy()
	if err := decodeArgs(config); err != nil {
		return nil, nil, fmt.Errorf("reading the scheduler's configuration: %w", err)
	}
	// Plugins are checked where the user put them; defaults move them.
	errs := validateOwnPlugins(config, plugins)
	setDefaults(config)
	if err := append(errs, validate(config, plugins)...).ToAggregate(); err != nil {
		return nil, nil, fmt.Errorf("checking the scheduler's configuration: %w", err)
	}
	profiles := make([]framework.Profile, len(config.Profiles))
	for i, profile := range config.Profiles {
		args := map[string]runtime.Object{}
		for _, entry := range profile.PluginConfig {
			args[entry.Name] = entry.Args.Object
		}
		profiles[i] = framework.Profile{
			SchedulerName:            *profile.SchedulerName,
			Plugins:                  profile.Plugins,
			Args:                     args,
			PercentageOfNodesToScore: profile.PercentageOfNodesToScore,
		}
	}
	return config, profiles, nil
}
