package mirror

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/static"
)

// World is what there is of one name.
type World struct {
	// Seen: all static pods of the node have been read once.
	Seen bool
	// Static is the static pod that is to run; nil if there is none.
	Static *corev1.Pod
	// Ending: something runs still of a static pod that is not to run any more.
	Ending bool
	// Mirror is the mirror pod that the API server has; nil if there is none.
	Mirror *corev1.Pod
	// Node is the UID of the Node; "" while it is not there.
	Node types.UID
}

// decide keeps the mirror that the static pod has to have. It is pure.
func decide(w World) *engine.Plan[*actor] {
	plan := &engine.Plan[*actor]{}
	switch {
	case w.Static != nil && w.Mirror != nil && w.Mirror.DeletionTimestamp != nil:
		plan.Do(&remove{w.Mirror, "somebody deletes it, and the static pod goes on"})
	case w.Static != nil && w.Mirror != nil && !of(w.Mirror, w.Static) && w.Ending:
		plan.Because("waiting for the static pod of the manifest before to end, whose mirror it is")
	case w.Static != nil && w.Mirror != nil && !of(w.Mirror, w.Static):
		plan.Do(&remove{w.Mirror, "it is the mirror of another manifest"})
	case w.Static != nil && w.Mirror != nil:
		plan.Because("the static pod has its mirror")
	case w.Static != nil && w.Node == "":
		plan.Because("waiting for the Node, to which the mirror has to belong")
		plan.After(nodePoll, "the Node may be there")
	case w.Static != nil:
		plan.Do(&create{w.Static, w.Node, "the static pod has none"})
	case w.Mirror == nil:
		plan.Because("there is neither static pod nor mirror")
	case !w.Seen:
		plan.Because("not all static pods have been read yet")
	case w.Ending:
		plan.Because("waiting for the static pod to end")
	default:
		plan.Do(&remove{w.Mirror, "there is no such static pod"})
	}
	return plan
}

// nodePoll is how often the Node is looked for.
const nodePoll = time.Second

// of says whether a pod is the mirror of this very static pod.
func of(mirror, pod *corev1.Pod) bool {
	return mirror.Annotations[corev1.MirrorPodAnnotationKey] == pod.Annotations[static.AnnotationHash]
}
