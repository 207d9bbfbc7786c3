package scheduler

import (
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultbinder"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultpreemption"
	"github.com/orrery-dev/orrery/scheduler/plugins/dynamicresources"
	"github.com/orrery-dev/orrery/scheduler/plugins/gangscheduling"
	"github.com/orrery-dev/orrery/scheduler/plugins/imagelocality"
	"github.com/orrery-dev/orrery/scheduler/plugins/interpodaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodedeclaredfeatures"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodename"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeports"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesbalancedallocation"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeunschedulable"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodevolumelimits"
	"github.com/orrery-dev/orrery/scheduler/plugins/podgrouppodscount"
	"github.com/orrery-dev/orrery/scheduler/plugins/podtopologyspread"
	"github.com/orrery-dev/orrery/scheduler/plugins/prioritysort"
	"github.com/orrery-dev/orrery/scheduler/plugins/schedulinggates"
	"github.com/orrery-dev/orrery/scheduler/plugins/tainttoleration"
	"github.com/orrery-dev/orrery/scheduler/plugins/topologyplacementgenerator"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumebinding"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumerestrictions"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumezone"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// builtIn lists the plugins of this module. Which of them a profile has, package config says.
func (s *Scheduler) builtIn() framework.Registry {
	counter := topologycount.New()
	return framework.Registry{
		prioritysort.Name:                    prioritysort.New,
		schedulinggates.Name:                 schedulinggates.New,
		nodedeclaredfeatures.Name:            nodedeclaredfeatures.New,
		nodename.Name:                        nodename.New,
		nodeunschedulable.Name:               nodeunschedulable.New,
		tainttoleration.Name:                 tainttoleration.New,
		nodeaffinity.Name:                    nodeaffinity.New,
		nodeports.Name:                       nodeports.New,
		noderesourcesfit.Name:                noderesourcesfit.New,
		podtopologyspread.Name:               podtopologyspread.Factory(counter),
		interpodaffinity.Name:                interpodaffinity.Factory(counter),
		dynamicresources.Name:                dynamicresources.Factory(dynamicresources.Pods{Kind: s.podKind, ChangeStatus: s.statuses.Change}),
		noderesourcesbalancedallocation.Name: noderesourcesbalancedallocation.New,
		volumerestrictions.Name:              volumerestrictions.New,
		nodevolumelimits.Name:                nodevolumelimits.New,
		volumebinding.Name:                   volumebinding.Factory(s.volumes),
		volumezone.Name:                      volumezone.New,
		imagelocality.Name:                   imagelocality.New,
		gangscheduling.Name:                  gangscheduling.New,
		topologyplacementgenerator.Name:      topologyplacementgenerator.New,
		podgrouppodscount.Name:               podgrouppodscount.New,
		defaultpreemption.Name:               defaultpreemption.Factory(s.preemptionAPI()),
		defaultbinder.Name:                   defaultbinder.Factory(s.binder.Bind, s.bindQueue),
	}
}
