package podgc

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options say how many pods may lie about.
type Options struct {
	// Ended is how many pods that have ended are kept; 0 means 12500, below 0 all.
	Ended int
}

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch

// Loop deletes pods that nobody else will.
func Loop(options Options) loop.Loop {
	if options.Ended == 0 {
		options.Ended = 12500
	}
	return loop.New[*ocorev1.Pod, world]("podgc", controller{options},
		onnode.Indexed(),
		loop.Indexes(&ocorev1.Pod{}, endedField, indexEnded),
		loop.When(moved),
		loop.Watches(func(ctx context.Context, read client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
			return onnode.Keys(ctx, read, node.Name)
		}, goneOrOut),
	)
}

type controller struct{ Options }

// endedField is the index by which pods that have ended are found.
const endedField = "ended"

func indexEnded(obj client.Object) []string {
	if pod, ok := obj.(*ocorev1.Pod); ok && ended(pod) {
		return []string{"true"}
	}
	return nil
}

// moved passes pods that are new, have come to a node, are being deleted or have ended.
var moved = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return was.Spec.NodeName != is.Spec.NodeName || ended(was) != ended(is) ||
			(was.DeletionTimestamp == nil) != (is.DeletionTimestamp == nil)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// goneOrOut passes nodes that come, go, or are out of service.
var goneOrOut = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool { return outOfService(e.ObjectNew.(*ocorev1.Node)) },
}

// outOfService reports that somebody has said of a node which is not ready that it will not come back.
func outOfService(node *ocorev1.Node) bool {
	ready, tainted := false, false
	for _, condition := range node.Status.Conditions {
		ready = ready || condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	}
	for _, taint := range node.Spec.Taints {
		tainted = tainted || taint.Key == corev1.TaintNodeOutOfService
	}
	return tainted && !ready
}

// ended reports that a pod runs no more and will not again.
func ended(pod *ocorev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
