package nodettl

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch

// Controller decides for all Nodes at once.
type Controller struct{}

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.NewGroup("ttl-controller", Controller{}, loop.WatchesAll(&ocorev1.Node{}, 0, otherTTL))
}

// otherTTL lets pass that a node comes or goes, or has another number than before.
var otherTTL = loop.Update(func(was, is *ocorev1.Node) bool {
	return was.Annotations[corev1.ObjectTTLAnnotationKey] != is.Annotations[corev1.ObjectTTLAnnotationKey]
})
