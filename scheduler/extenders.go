package scheduler

import (
	"fmt"

	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/extender"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
)

// buildExtenders returns the extenders, which all profiles share, and makes NodeResourcesFit ignore the resources that
// extenders look after alone.
func buildExtenders(configs []configv1.Extender, profiles []framework.Profile) ([]fwk.Extender, error) {
	extenders, err := extender.NewAll(configs)
	if err != nil {
		return nil, err
	}
	ignored := extender.Ignored(configs)
	if len(ignored) == 0 {
		return extenders, nil
	}
	for i := range profiles {
		args, ok := profiles[i].Args[noderesourcesfit.Name].(*configv1.NodeResourcesFitArgs)
		if !ok {
			return nil, fmt.Errorf("building profile %q: extenders ignore resources, which needs the plugin %s",
				profiles[i].SchedulerName, noderesourcesfit.Name)
		}
		args.IgnoredResources = ignored
	}
	return extenders, nil
}
