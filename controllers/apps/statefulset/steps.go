package statefulset

import (
	"context"
	"fmt"
	"slices"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// own makes a StatefulSet or a pod of it the controller of a claim, or takes that from them. Under which API group they are owners
// only the loop's naming knows.
type own struct {
	claim        *ocorev1.PersistentVolumeClaim
	set          *oappsv1.StatefulSet
	pod          *ocorev1.Pod
	bySet, byPod bool
}

var _ plan.Step = (*own)(nil)

func (*own) Verb() string { return "own" }

func (s *own) String() string {
	owner := "nobody"
	switch {
	case s.bySet:
		owner = "StatefulSet " + s.set.Name
	case s.byPod:
		owner = "Pod " + s.pod.Name
	}
	return fmt.Sprintf("make %s the owner of PersistentVolumeClaim %s", owner, client.ObjectKeyFromObject(s.claim))
}

func (*own) Why() string { return "the retention policy says with whom it goes" }

// Do changes the owners of the claim as it was observed.
func (s *own) Do(ctx context.Context, act plan.Actor) error {
	wanted := s.claim.DeepCopy()
	wanted.OwnerReferences = slices.DeleteFunc(wanted.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return ref.UID == s.set.UID || ref.UID == s.pod.UID
	})
	for owner, shall := range map[client.Object]bool{s.set: s.bySet, s.pod: s.byPod} {
		if !shall {
			continue
		}
		if err := controllerutil.SetControllerReference(owner, wanted, act.Scheme()); err != nil {
			return fmt.Errorf("making %s an owner of claim %s: %w", owner.GetName(), s.claim.Name, err)
		}
	}
	if err := act.Patch(ctx, wanted, plan.Locked(act, s.claim, wanted), act.FieldOwner()); err != nil {
		return fmt.Errorf("changing the owners of claim %s/%s: %w", s.claim.Namespace, s.claim.Name, err)
	}
	return nil
}
