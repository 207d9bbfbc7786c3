package live

import (
	"context"
	"strings"
	"time"

	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// finalizer is what the driver keeps attachments by until it has detached them.
	finalizer = "external-attacher/csi-example-com"
	// broken is in the names of volumes that it cannot attach.
	broken = "broken"
)

// fakeDriver attaches and detaches whatever it is asked to, but for broken volumes.
type fakeDriver struct{}

func driver() loop.Loop {
	return loop.New[*ostoragev1.VolumeAttachment, struct{}]("external-attacher", fakeDriver{})
}

func (fakeDriver) Observe(context.Context, loop.View, *ostoragev1.VolumeAttachment) (struct{}, error) {
	return struct{}{}, nil
}

func (fakeDriver) Plan(attachment *ostoragev1.VolumeAttachment, _ struct{}, now time.Time) *plan.Plan {
	p := plan.New()
	if attachment.DeletionTimestamp != nil {
		p.RemoveFinalizer("it is detached", attachment, finalizer)
		return p
	}
	p.AddFinalizer("it is to be detached first", attachment, finalizer)
	answered := attachment.DeepCopy()
	if name := attachment.Spec.Source.PersistentVolumeName; name != nil && strings.Contains(*name, broken) {
		if attachment.Status.AttachError == nil {
			answered.Status.AttachError = &storagev1.VolumeError{Time: metav1.NewTime(now), Message: "no such disk"}
		}
	} else {
		answered.Status.Attached = true
	}
	p.Status(attachment, answered)
	return p
}
