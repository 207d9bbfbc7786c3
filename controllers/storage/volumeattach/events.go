package volumeattach

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// reasonFailed is that of every event here.
const reasonFailed = "FailedAttachVolume"

// sayFailed tells the pods of a node that the volume cannot be attached.
func sayFailed(p *plan.Plan, w want, why string) {
	p.Because(fmt.Sprintf("the volume could not be attached to node %s", w.node))
	for _, pod := range w.pods {
		p.EventOnce(pod, plan.Warning, reasonFailed, "%s", failed(w, why))
	}
}

// notAsked is the event of an attachment that could not be made. It tells the oldest pod.
func notAsked(w want, err error) plan.Event {
	return plan.Event{
		Regarding: w.pods[0], Type: plan.Warning, Reason: reasonFailed,
		Message: failed(w, fmt.Sprintf("kubernetes.io/csi: attacher.Attach failed: %v", plan.Cause(err))),
	}
}

func failed(w want, why string) string {
	return fmt.Sprintf("AttachVolume.Attach failed for volume %q : %s", w.volume.Called, why)
}

// sayTaken tells the pods of a node that another one has the volume. While it only comes or goes there, nothing is said.
func (w world) sayTaken(p *plan.Plan, want want) {
	p.Because(fmt.Sprintf("another node than %s has the volume, and one at a time may have it", want.node))
	if !slices.ContainsFunc(slices.Collect(maps.Values(w.attachments)), attached) {
		return
	}
	var users []*ocorev1.Pod
	for _, other := range w.wanted {
		if attachment := w.attachments[other.node]; attachment != nil && attached(attachment) {
			users = append(users, other.pods...)
		}
	}
	for _, pod := range want.pods {
		p.EventOnce(pod, plan.Warning, reasonFailed, "Waiting for detach for volume %q %s", want.volume.Called, usedBy(users, pod.Namespace))
	}
}

// attached reports that a node has a volume, and does not have to give it back.
func attached(attachment *ostoragev1.VolumeAttachment) bool {
	return attachment.Status.Attached && attachment.DeletionTimestamp == nil
}

// usedBy says who uses a volume to somebody who may know the pods of one namespace by name.
func usedBy(pods []*ocorev1.Pod, namespace string) string {
	var names []string
	for _, pod := range pods {
		if pod.Namespace == namespace {
			names = append(names, pod.Name)
		}
	}
	others := len(pods) - len(names)
	switch {
	case len(pods) == 0:
		return "Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node"
	case len(names) == 0:
		return fmt.Sprintf("Volume is already used by %d pod(s) in different namespaces", others)
	case others > 0:
		return fmt.Sprintf("Volume is already used by pod(s) %s and %d pod(s) in different namespaces", strings.Join(names, ", "), others)
	default:
		return "Volume is already used by pod(s) " + strings.Join(names, ", ")
	}
}
