package pvcprotection

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is which pods use a claim.
type world struct {
	// holder is a pod that the claim has to be kept for; nil if there is none.
	holder *ocorev1.Pod
	// user is a pod that has not ended and refers to the claim; nil if there is none.
	user *ocorev1.Pod
}

// Observe reads the pods that name the claim.
func (Controller) Observe(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	pods, err := podclaims.Naming(ctx, view, client.ObjectKeyFromObject(claim))
	if err != nil {
		return world{}, err
	}
	return usersOf(claim, pods), nil
}

// usersOf picks those that use the claim from among pods of its namespace.
func usersOf(claim *ocorev1.PersistentVolumeClaim, pods []ocorev1.Pod) world {
	var w world
	for i := range pods {
		pod := &pods[i]
		use := podclaims.Of(pod, claim)
		if use != podclaims.None && !replicas.Ended(pod) && w.user == nil {
			w.user = pod
		}
		if pod.Spec.NodeName != "" && (use == podclaims.Named || use == podclaims.Ephemeral && !shutDown(pod)) && w.holder == nil {
			w.holder = pod
		}
	}
	return w
}

// shutDown reports that nothing of a pod runs any more, or that nobody waits for it: it was deleted without grace, by its node agent at
// the end or by force.
func shutDown(pod *ocorev1.Pod) bool {
	grace := pod.DeletionGracePeriodSeconds
	return pod.DeletionTimestamp != nil && grace != nil && *grace == 0
}

// ask is which pods use the claim as the API server has them now.
func ask(ctx context.Context, live client.Reader, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	var pods ocorev1.PodList
	if err := live.List(ctx, &pods, client.InNamespace(claim.Namespace)); err != nil {
		return world{}, fmt.Errorf("listing the pods of namespace %s: %w", claim.Namespace, err)
	}
	return usersOf(claim, pods.Items), nil
}
