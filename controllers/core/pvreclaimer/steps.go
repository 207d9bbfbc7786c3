package pvreclaimer

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// start makes the pod that recycles a volume, and notes on the volume that it has: which pod counts can only be said when it is there.
// One that did not come to be noted is deleted by the next pass, and made again.
type start struct {
	volume *ocorev1.PersistentVolume
	pod    *ocorev1.Pod
}

var _ plan.Step = (*start)(nil)

func (*start) Verb() string { return "recycle" }

func (s *start) String() string {
	return fmt.Sprintf("recycle PersistentVolume %s by Pod %s", s.volume.Name, client.ObjectKeyFromObject(s.pod))
}

func (*start) Why() string { return "its claim is gone" }

// Do creates the pod and patches the volume.
func (s *start) Do(ctx context.Context, act plan.Actor) error {
	pod := s.pod.DeepCopy()
	if err := act.Create(ctx, pod, act.FieldOwner()); err != nil {
		act.RecordOnce(plan.Event{Regarding: s.volume, Type: plan.Warning, Reason: reasonFailedRecycle, Message: notCreated(err)})
		return fmt.Errorf("creating the recycler of volume %s: %w", s.volume.Name, err)
	}
	noted := s.volume.DeepCopy()
	metav1.SetMetaDataAnnotation(&noted.ObjectMeta, recyclerAnnotation, made(s.volume, pod))
	if err := act.Patch(ctx, noted, plan.Locked(act, s.volume, noted), act.FieldOwner()); err != nil {
		return fmt.Errorf("noting the recycler of volume %s: %w", s.volume.Name, err)
	}
	return nil
}
