package podclaims

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is the index by which pods are found.
const field = "claims"

// Indexed lets a loop find pods by [Naming].
func Indexed() loop.Option {
	return loop.Indexes(&ocorev1.Pod{}, field, func(obj client.Object) []string {
		pod, ok := obj.(*ocorev1.Pod)
		if !ok {
			return nil
		}
		return Names(pod)
	})
}

// Name is the name of the claim of a pod's volume; empty for a volume without one.
func Name(pod *ocorev1.Pod, volume *corev1.Volume) string {
	switch {
	case volume.PersistentVolumeClaim != nil:
		return volume.PersistentVolumeClaim.ClaimName
	case volume.Ephemeral != nil:
		return pod.Name + "-" + volume.Name
	default:
		return ""
	}
}

// Names are the names of the claims of a pod's volumes.
func Names(pod *ocorev1.Pod) []string {
	var names []string
	for i := range pod.Spec.Volumes {
		if name := Name(pod, &pod.Spec.Volumes[i]); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Keys are the names of the claims of a pod, for a loop over claims that a pod concerns.
func Keys(_ context.Context, _ client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	var keys []client.ObjectKey
	for _, name := range Names(pod) {
		keys = append(keys, client.ObjectKey{Namespace: pod.Namespace, Name: name})
	}
	return keys, nil
}

// Use is how a pod uses a claim.
type Use string

const (
	// None is that it does not.
	None Use = ""
	// Named is that a volume of the pod names the claim.
	Named Use = "named"
	// Ephemeral is that the claim was made for a volume of the pod, and goes with it.
	Ephemeral Use = "ephemeral"
)

// Of is how a pod uses a claim of its namespace.
func Of(pod *ocorev1.Pod, claim *ocorev1.PersistentVolumeClaim) Use {
	use := None
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		switch {
		case Name(pod, volume) != claim.Name:
		case volume.PersistentVolumeClaim != nil:
			return Named
		case metav1.IsControlledBy(claim, pod):
			use = Ephemeral
		}
	}
	return use
}

// Naming are the pods that have volumes with a claim's name. [Of] says whether they use it.
func Naming(ctx context.Context, read client.Reader, claim client.ObjectKey) ([]ocorev1.Pod, error) {
	var pods ocorev1.PodList
	err := read.List(ctx, &pods, client.InNamespace(claim.Namespace), client.MatchingFields{field: claim.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the pods that name claim %s: %w", claim, err)
	}
	return pods.Items, nil
}
