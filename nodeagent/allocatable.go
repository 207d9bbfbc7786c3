package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/rounds"
	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// reserve finds out what is kept from pods: what the settings say, and what they would be evicted for.
func (o *Options) reserve() error {
	parsed, err := o.allocatable.Parse()
	if err != nil {
		return err
	}
	hard, err := o.eviction.Reserved(o.Capacity)
	if err != nil {
		return err
	}
	o.reserved = parsed
	if o.Reserved == nil {
		o.Reserved = node.Sum(parsed.Kube, parsed.System, hard)
	}
	return node.CheckReserved(o.Reserved, o.Capacity)
}

// enforceEvery is the rest before limits are set again that could not be: there is less memory than is in use now.
const enforceEvery = time.Minute

// enforcement is a control group that is limited.
type enforcement struct {
	group   string
	limits  cgroups.Limits
	success string
	failure string
}

// enforcements are the groups that are limited, and to what. The group of all pods is limited also where that is not asked for: to what
// the machine has, since the kernel would give it little of the CPU by itself.
func (a *Agent) enforcements() []enforcement {
	o := &a.options
	capacity := node.Sum(o.Capacity, corev1.ResourceList{node.PIDs: *resource.NewQuantity(mostProcesses(a.clock.Now()), resource.DecimalSI)})
	pods := capacity
	if o.allocatable.Enforces(node.EnforcePods) {
		pods = node.Allocatable(capacity, node.Sum(o.reserved.Kube, o.reserved.System))
	}
	all := []enforcement{{
		o.CgroupRoot, limitsOf(pods), "Updated Node Allocatable limit across pods", fmt.Sprintf("Failed to update Node Allocatable Limits %q", []string{strings.Trim(o.CgroupRoot, "/")}),
	}}
	if o.allocatable.Enforces(node.EnforceSystemReserved) {
		group := o.allocatable.SystemReservedCgroup
		all = append(all, enforcement{
			group, limitsOf(o.reserved.System), fmt.Sprintf("Updated limits on system reserved cgroup %v", group),
			fmt.Sprintf("Failed to enforce System Reserved Cgroup Limits on %q", group),
		})
	}
	if o.allocatable.Enforces(node.EnforceKubeReserved) {
		group := o.allocatable.KubeReservedCgroup
		all = append(all, enforcement{
			group, limitsOf(o.reserved.Kube), fmt.Sprintf("Updated limits on kube reserved cgroup %v", group),
			fmt.Sprintf("Failed to enforce Kube Reserved Cgroup Limits on %q", group),
		})
	}
	return all
}

// mostProcesses is how many the machine can have; 0, which is no limit, where that is not known.
func mostProcesses(now time.Time) int64 {
	if limits := stats.MachineProc.Processes(now); limits != nil && limits.MaxPID != nil {
		return *limits.MaxPID
	}
	return 0
}

// limitsOf are the limits of a group that may use so much. What is not named is not limited.
func limitsOf(list corev1.ResourceList) (limits cgroups.Limits) {
	if cpu, named := list[corev1.ResourceCPU]; named {
		limits.Shares = cgroups.Shares(cpu.MilliValue())
	}
	memory, processes := list[corev1.ResourceMemory], list[node.PIDs]
	limits.Memory, limits.Pids = memory.Value(), processes.Value()
	return limits
}

// enforce limits groups, again and again until it could be done.
func (a *Agent) enforce(ctx context.Context) {
	left := a.enforcements()
	for {
		var failed []enforcement
		for _, e := range left {
			err := a.groups.Enforce(e.group, e.limits)
			select { // nobody records events before
			case <-ctx.Done():
				return
			case <-a.Ready():
			}
			if err != nil {
				a.nodeEvent(corev1.EventTypeWarning, "FailedNodeAllocatableEnforcement", fmt.Sprintf("%s: %v", e.failure, err))
				failed = append(failed, e)
				continue
			}
			a.nodeEvent(corev1.EventTypeNormal, "NodeAllocatableEnforced", e.success)
		}
		if left = failed; len(left) == 0 {
			return
		}
		timer := a.clock.NewTimer(enforceEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
	}
}

// shareEvery is how often the shares of CPU of the QoS classes follow from what pods request.
const shareEvery = 10 * time.Second

// share keeps the shares of the classes up to date until ctx ends.
func (a *Agent) share(ctx context.Context) {
	r := rounds.Rounds{Every: shareEvery, What: "Sharing the CPU among QoS classes", Clock: a.options.Clock, Log: a.log}
	r.Run(ctx, func(context.Context) error { return a.groups.SetClasses(cgroups.Classes(a.order[0].loop.Pods())) })
}

// allPods is what all pods use together, and what the limit of their group leaves them.
func (a *Agent) allPods() (stats.Usage, bool) {
	used, err := a.groups.Usage(a.options.CgroupRoot)
	details, known := a.groups.Details(a.options.CgroupRoot)
	if err != nil || !known {
		return stats.Usage{}, false
	}
	usage := stats.Usage{CPU: used.CPU, Memory: used.Memory, WorkingSet: used.WorkingSet, RSS: used.RSS}
	if limit := details.MemoryLimit; limit != nil {
		usage.Available = max(*limit-min(used.WorkingSet, *limit), 1) // 0 would be that nothing is known
	}
	return usage, true
}

var errNoGroups = errors.New("limiting what pods use together needs control groups, and pods have none of their own here")
