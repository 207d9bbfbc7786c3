package replicacontrol

import (
	"context"
	"maps"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Set is what asks for pods.
type Set struct {
	// Owner controls the pods.
	Owner client.Object
	// Replicas is how many there shall be; nil means 1.
	Replicas *int32
	// Selector says which pods are the set's. Nil selects none.
	Selector *metav1.LabelSelector
	// Template is what they are made from.
	Template *corev1.PodTemplateSpec
	// MinReadySeconds is how long a pod has to be ready until it is available.
	MinReadySeconds int32
}

// Desired is how many pods are asked for. That nobody can ask for fewer than none is not said by every server.
func (s Set) Desired() int {
	if s.Replicas == nil {
		return 1
	}
	return max(0, int(*s.Replicas))
}

// World is what a set has, and what it might have.
type World struct {
	// Claims are its active pods, and those that it is about to adopt or release.
	Claims ownership.Claims[*ocorev1.Pod]
	// Terminating are its pods that are being deleted and still run.
	Terminating []*ocorev1.Pod
	// Siblings are pods that serve the same purpose, next to which the set's own are to be spread; none, unless pods have to go.
	Siblings []*ocorev1.Pod
}

// Surplus is how many pods there are beyond the desired number; below zero, how many are missing.
func (w World) Surplus(s Set) int { return len(w.Claims.Held) - s.Desired() }

// Observe reads the pods that a set controls and those that it could adopt. The loop has pods indexed by ownership.Indexed.
func Observe(ctx context.Context, read client.Reader, s Set) (World, error) {
	pods, err := ownership.Observe[*ocorev1.Pod](ctx, read, s.Owner, s.Selector, &ocorev1.PodList{})
	if err != nil {
		return World{}, err
	}
	return World{Claims: pods.Where(replicas.Active), Terminating: pods.Where(replicas.Terminating).Held}, nil
}

// Recounts reports that what has happened to a pod can change what a set counts, or whose the pod is. That it has got a node or an
// address cannot, and a set of ten thousand is not counted anew for that; which pods are missed the least is asked when some have to go.
func Recounts(was, is *ocorev1.Pod) bool {
	since, ready := replicas.Readiness(was)
	sinceNow, readyNow := replicas.Readiness(is)
	return was.UID != is.UID || ready != readyNow || !since.Equal(sinceNow) ||
		replicas.Active(was) != replicas.Active(is) || replicas.Terminating(was) != replicas.Terminating(is) ||
		!maps.Equal(was.Labels, is.Labels) || controllerOf(was) != controllerOf(is)
}

// controllerOf is the UID of a pod's controller; empty if it has none.
func controllerOf(pod *ocorev1.Pod) types.UID {
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		return owner.UID
	}
	return ""
}
