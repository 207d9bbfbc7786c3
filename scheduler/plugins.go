package scheduler

import (
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultbinder"
	"github.com/orrery-dev/orrery/scheduler/plugins/dynamicresources"
	"github.com/orrery-dev/orrery/scheduler/plugins/imagelocality"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodename"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeports"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesbalancedallocation"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeunschedulable"
	"github.com/orrery-dev/orrery/scheduler/plugins/prioritysort"
	"github.com/orrery-dev/orrery/scheduler/plugins/schedulinggates"
	"github.com/orrery-dev/orrery/scheduler/plugins/tainttoleration"
)

// builtIn lists the plugins of this module. Which of them a profile has, package config says.
func builtIn(bind defaultbinder.Binding, pods dynamicresources.Pods) framework.Registry {
	return framework.Registry{
		prioritysort.Name:                    prioritysort.New,
		schedulinggates.Name:                 schedulinggates.New,
		nodename.Name:                        nodename.New,
		nodeunschedulable.Name:               nodeunschedulable.New,
		tainttoleration.Name:                 tainttoleration.New,
		nodeaffinity.Name:                    nodeaffinity.New,
		nodeports.Name:                       nodeports.New,
		noderesourcesfit.Name:                noderesourcesfit.New,
		dynamicresources.Name:                dynamicresources.Factory(pods),
		noderesourcesbalancedallocation.Name: noderesourcesbalancedallocation.New,
		imagelocality.Name:                   imagelocality.New,
		defaultbinder.Name:                   defaultbinder.Factory(bind),
	}
}
