package queue

import (
	"iter"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Entry is a pending pod, or a group of pending pods, with its history. While it is in flight it belongs to who popped
// it, otherwise to the queue.
type Entry struct {
	// PodInfo is nil for a group.
	*nodeinfo.PodInfo
	// Added is when the pod or group came to the place where it is.
	Added time.Time
	// FirstTried is when the pod or group first became active. Nil means not yet.
	FirstTried *time.Time
	// Attempts counts how often the pod was popped, Refused how often plugins refused it, and Errors how often in a row
	// an attempt broke.
	Attempts, Refused, Errors int
	// UnschedulablePlugins and PendingPlugins are those that refused the pod last.
	UnschedulablePlugins sets.Set[string]
	PendingPlugins       sets.Set[string]
	// Flushed says that the pod came back by time and not by an event.
	Flushed bool

	gate       string // the PreEnqueue plugin that holds the pod back
	gateEvents []fwk.ClusterEvent
	backoffEnd time.Time
	flushedAt  time.Time
	place      place
	index      int      // in the heap of its place
	filed      []string // under what it is in unschedulableEntries
	*grouping           // nil for a pod
}

var _ fwk.QueuedEntityInfo = &Entry{}

// place is where an entry is.
type place int

const (
	nowhere place = iota
	active
	backoff
	errorBackoff // after an error, or when a group's pod could not be bound
	unschedulable
	incomplete // a group whose object has not been seen
)

// Type says whether the entry is a single pod or a group.
func (e *Entry) Type() fwk.EntityKeyType {
	if e.grouping != nil {
		return fwk.PodGroupKeyType
	}
	return fwk.PodKeyType
}

// GetPriority returns the priority of the pod or of the group.
func (e *Entry) GetPriority() int32 {
	if e.grouping != nil {
		return e.grouping.priority()
	}
	return schedulinghelpers.PodPriority(e.GetPod())
}

// GetTimestamp returns when the pod or group came to the place where it is.
func (e *Entry) GetTimestamp() time.Time { return e.Added }

// GetAttempts returns how often the pod was tried.
func (e *Entry) GetAttempts() int { return e.Attempts }

// GetBackoffExpiration returns when the pod's back-off ends; zero means that it has none.
func (e *Entry) GetBackoffExpiration() time.Time { return e.backoffEnd }

// GetUnschedulableCount returns how often plugins refused the pod.
func (e *Entry) GetUnschedulableCount() int { return e.Refused }

// GetConsecutiveErrorsCount returns how often in a row an attempt broke.
func (e *Entry) GetConsecutiveErrorsCount() int { return e.Errors }

// GetInitialAttemptTimestamp returns when the pod first became active, or nil.
func (e *Entry) GetInitialAttemptTimestamp() *time.Time { return e.FirstTried }

// GetUnschedulablePlugins returns the plugins that refused the pod last.
func (e *Entry) GetUnschedulablePlugins() sets.Set[string] { return e.UnschedulablePlugins }

// GetPendingPlugins returns the plugins that want the pod to come back without a back-off.
func (e *Entry) GetPendingPlugins() sets.Set[string] { return e.PendingPlugins }

// GetGatingPlugin returns the plugin that holds the pod back, or "".
func (e *Entry) GetGatingPlugin() string { return e.gate }

// GetGatingPluginEvents returns the events on which the plugin that holds the pod back is asked again.
func (e *Entry) GetGatingPluginEvents() []fwk.ClusterEvent { return e.gateEvents }

func (e *Entry) profile() string {
	if e.grouping != nil {
		return e.grouping.scheduler
	}
	return e.GetPod().Spec.SchedulerName
}

// key identifies the entry: a pod by its UID, and a group by its name, which no UID looks like.
func (e *Entry) key() types.UID {
	if e.grouping != nil {
		return keyOf(e.grouping.name)
	}
	return e.GetPod().UID
}

// size is the number of pods.
func (e *Entry) size() int {
	if e.grouping != nil {
		return len(e.grouping.members)
	}
	return 1
}

// pods returns the pods.
func (e *Entry) pods() iter.Seq[*Entry] {
	if e.grouping != nil {
		return maps.Values(e.grouping.members)
	}
	return func(yield func(*Entry) bool) { yield(e) }
}

// ref names the entry in logs.
func (e *Entry) ref() klog.ObjectRef {
	if e.grouping != nil {
		return klog.KRef(e.grouping.name.Namespace, e.grouping.name.Name)
	}
	return klog.KObj(e.GetPod())
}

// rejectors returns all plugins that said no. Do not change the set: it can be one of the entry's.
func (e *Entry) rejectors() sets.Set[string] {
	switch { // It is asked for each waiting pod at each event.
	case len(e.PendingPlugins) == 0:
		return e.UnschedulablePlugins
	case len(e.UnschedulablePlugins) == 0:
		return e.PendingPlugins
	}
	return e.UnschedulablePlugins.Union(e.PendingPlugins)
}
