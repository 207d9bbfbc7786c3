package nodeeviction

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/loop"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch

// Controller decides for all Nodes at once.
type Controller struct{}

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.NewGroup("node-eviction-controller", Controller{}, loop.WatchesAll(&ocorev1.Node{}, 0, readinessChanged))
}

// readinessChanged lets pass that a node comes or goes, turns ready or not, also by its first word, moves to another zone, or
// has another taint than it should.
var readinessChanged = loop.Update(func(was, is *ocorev1.Node) bool {
	return nodestatus.Ready(was) != nodestatus.Ready(is) || taintFor(was) != taintFor(is) || taintKeyOf(is) != taintFor(is) ||
		zoneOf(was) != zoneOf(is) || excluded(was) != excluded(is)
})
