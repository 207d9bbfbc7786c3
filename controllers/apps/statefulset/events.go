package statefulset

import (
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonCreated    = "SuccessfulCreate"
	reasonNotCreated = "FailedCreate"
	reasonDeleted    = "SuccessfulDelete"
	reasonNotDeleted = "FailedDelete"
	reasonConflict   = "ConflictingController"
)

// failedToCreate is the message about a pod of a StatefulSet that could not be created, and why.
const failedToCreate = "Create Pod %s in StatefulSet %s failed error: %s"

func create(p *plan.Plan, why string, set *oappsv1.StatefulSet, pod *ocorev1.Pod) {
	p.Create(why, pod).OwnedBy(set).
		Succeeded(func(pod client.Object) plan.Event {
			return told(set, plan.Normal, reasonCreated, "Create Pod %s in StatefulSet %s successful", pod.GetName(), set.Name)
		}).
		Failed(func(pod client.Object, err error) plan.Event {
			return told(set, plan.Warning, reasonNotCreated, failedToCreate, pod.GetName(), set.Name, err.Error())
		})
}

func createClaim(p *plan.Plan, set *oappsv1.StatefulSet, pod *ocorev1.Pod, claim *ocorev1.PersistentVolumeClaim) {
	p.Create(fmt.Sprintf("pod %s has to have it", pod.Name), claim).
		Succeeded(func(claim client.Object) plan.Event {
			return told(set, plan.Normal, reasonCreated, "Create Claim %s Pod %s in StatefulSet %s success", claim.GetName(), pod.Name, set.Name)
		}).
		Failed(func(claim client.Object, err error) plan.Event {
			return told(set, plan.Warning, reasonNotCreated, "Create Claim %s for Pod %s in StatefulSet %s failed error: %s", claim.GetName(), pod.Name, set.Name, err.Error())
		})
}

func remove(p *plan.Plan, why string, set *oappsv1.StatefulSet, pods ...*ocorev1.Pod) {
	plan.DeleteAll(p, why, pods).
		Succeeded(func(pod client.Object) plan.Event {
			return told(set, plan.Normal, reasonDeleted, "Delete Pod %s in StatefulSet %s successful", pod.GetName(), set.Name)
		}).
		Failed(func(pod client.Object, err error) plan.Event {
			return told(set, plan.Warning, reasonNotDeleted, "Delete Pod %s in StatefulSet %s failed error: %s", pod.GetName(), set.Name, err.Error())
		})
}

func told(set *oappsv1.StatefulSet, kind plan.EventType, reason, message string, args ...any) plan.Event {
	return plan.Event{Regarding: set, Type: kind, Reason: reason, Message: fmt.Sprintf(message, args...)}
}
