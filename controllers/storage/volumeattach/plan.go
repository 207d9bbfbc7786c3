package volumeattach

import (
	"fmt"
	"strings"
	"time"

	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long a driver may take until the pods are told.
const patience = 2 * time.Minute

// Plan makes the attachments that are missing, and tells the pods of the others what is in the way.
func (Controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	taken := len(w.attachments) > 0
	var missing []want
	for _, want := range w.wanted {
		switch attachment := w.attachments[want.node]; {
		case attachment != nil:
			await(p, want, attachment, now)
		case want.volume.Exclusive && taken:
			w.sayTaken(p, want)
		default:
			missing = append(missing, want)
			taken = true
		}
	}
	attach(p, missing)
	return p
}

// attach asks the driver for the volume on nodes.
func attach(p *plan.Plan, wanted []want) {
	var nodes []string
	var attachments []*ostoragev1.VolumeAttachment
	by := map[string]want{}
	for _, want := range wanted {
		attachment := attachmentFor(want)
		by[attachment.Name] = want
		nodes, attachments = append(nodes, want.node), append(attachments, attachment)
	}
	create := plan.CreateAll(p, "pods need the volume on node "+strings.Join(nodes, ", "), attachments)
	create.Failed(func(obj client.Object, err error) plan.Event { return notAsked(by[obj.GetName()], err) })
}

func attachmentFor(w want) *ostoragev1.VolumeAttachment {
	return &ostoragev1.VolumeAttachment{
		ObjectMeta: metav1.ObjectMeta{Name: w.volume.Attachment(w.node)},
		Spec:       storagev1.VolumeAttachmentSpec{Attacher: w.volume.Driver, NodeName: w.node, Source: w.volume.Source},
	}
}

// await says how far the driver has come with an attachment.
func await(p *plan.Plan, w want, attachment *ostoragev1.VolumeAttachment, now time.Time) {
	failed := attachment.Status.AttachError
	switch {
	case attachment.DeletionTimestamp != nil:
		p.Because(fmt.Sprintf("the volume is being detached from node %s first", w.node))
	case attachment.Status.Attached:
	case failed != nil:
		sayFailed(p, w, failed.Message)
	case now.Sub(w.unanswered) < patience:
		p.After(w.unanswered.Add(patience).Sub(now), fmt.Sprintf("the driver has had %s to attach the volume to node %s then", patience, w.node))
	default:
		sayFailed(p, w, fmt.Sprintf("timed out waiting for external-attacher of %s CSI driver to attach volume %s", w.volume.Driver, w.volume.Handle))
	}
}
