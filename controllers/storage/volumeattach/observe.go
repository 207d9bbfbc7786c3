package volumeattach

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is where pods want a volume, and where it is.
type world struct {
	// wanted are the nodes on which pods want it, by their oldest pods.
	wanted []want
	// attachments are by node, those too that are being deleted.
	attachments map[string]*ostoragev1.VolumeAttachment
}

// want is a node on which pods want the volume.
type want struct {
	node string
	// pods are those that want it, the oldest first.
	pods []*ocorev1.Pod
	// volume is what it is to the oldest of them.
	volume attachable.Volume
	// unanswered is since when the driver has been asked and has not answered; zero if there is nothing to answer.
	unanswered time.Time
}

// Observe reads the pods that have the volume, and its attachments.
func (Controller) Observe(ctx context.Context, view loop.View, key client.ObjectKey) (world, error) {
	id, valid := attachable.Parse(key.Name)
	if !valid {
		return world{}, engine.ErrGone
	}
	pvs, err := attachable.PersistentVolumes(ctx, view, id)
	if err != nil {
		return world{}, err
	}
	attachments, err := attachable.OfVolume(ctx, view, id, pvs)
	if err != nil {
		return world{}, err
	}
	required, err := attachable.Required(ctx, view, id.Driver)
	if err != nil {
		return world{}, err
	}
	w := world{attachments: map[string]*ostoragev1.VolumeAttachment{}}
	for i := range attachments {
		w.attachments[attachments[i].Spec.NodeName] = &attachments[i]
	}
	var users []user
	if required {
		if users, err = usersOf(ctx, view, id, pvs); err != nil {
			return world{}, err
		}
	}
	if len(pvs)+len(attachments)+len(users) == 0 {
		return world{}, engine.ErrGone
	}
	w.wanted, err = wantedBy(ctx, view, users)
	for i := range w.wanted {
		if want := &w.wanted[i]; answerable(w.attachments[want.node]) {
			want.unanswered = view.Since("node "+want.node, "unanswered")
		}
	}
	return w, err
}

// user is a pod that has the volume, and what the volume is to it.
type user struct {
	pod    *ocorev1.Pod
	volume attachable.Volume
}

// usersOf are the pods that need the volume on their nodes, the oldest first.
func usersOf(ctx context.Context, read client.Reader, id attachable.ID, pvs []ocorev1.PersistentVolume) ([]user, error) {
	var users []user
	add := func(volume attachable.Volume, pods []ocorev1.Pod, uses func(*ocorev1.Pod) bool) {
		for i := range pods {
			if pod := &pods[i]; attachable.Holds(pod) && uses(pod) {
				users = append(users, user{pod, volume})
			}
		}
	}
	for i := range pvs {
		claim, err := claimOf(ctx, read, &pvs[i])
		if err != nil {
			return nil, err
		}
		if claim == nil {
			continue
		}
		pods, err := podclaims.Naming(ctx, read, client.ObjectKeyFromObject(claim))
		if err != nil {
			return nil, err
		}
		volume, _ := attachable.OfPersistentVolume(&pvs[i])
		add(volume, pods, func(pod *ocorev1.Pod) bool { return podclaims.Of(pod, claim) != podclaims.None })
	}
	pods, err := attachable.Inline(ctx, read, id)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		add(inlineIn(&pods[i], id), pods[i:i+1], func(*ocorev1.Pod) bool { return true })
	}
	slices.SortStableFunc(users, func(a, b user) int { return olderFirst(a.pod, b.pod) })
	return users, nil
}

// claimOf is the claim that a volume is bound to; nil if there is none.
func claimOf(ctx context.Context, read client.Reader, pv *ocorev1.PersistentVolume) (*ocorev1.PersistentVolumeClaim, error) {
	ref := pv.Spec.ClaimRef
	if ref == nil {
		return nil, nil
	}
	claim := &ocorev1.PersistentVolumeClaim{}
	err := read.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, claim)
	switch {
	case apierrors.IsNotFound(err), err == nil && !attachable.Bound(claim, pv):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the claim of PersistentVolume %s: %w", pv.Name, err)
	default:
		return claim, nil
	}
}

// inlineIn is the volume of an ID that a pod has in itself.
func inlineIn(pod *ocorev1.Pod, id attachable.ID) attachable.Volume {
	for i := range pod.Spec.Volumes {
		if volume, found := attachable.OfInline(&pod.Spec.Volumes[i], pod.Namespace); found && volume.ID == id {
			return volume
		}
	}
	return attachable.Volume{ID: id}
}

func olderFirst(a, b *ocorev1.Pod) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// wantedBy are the nodes of users that leave attaching to us.
func wantedBy(ctx context.Context, read client.Reader, users []user) ([]want, error) {
	var wanted []want
	at := map[string]int{} // -1: the node does it itself
	for _, user := range users {
		name := user.pod.Spec.NodeName
		i, known := at[name]
		if !known {
			managed, err := managed(ctx, read, name)
			if err != nil {
				return nil, err
			}
			if i = -1; managed {
				i = len(wanted)
				wanted = append(wanted, want{node: name, volume: user.volume})
			}
			at[name] = i
		}
		if i >= 0 {
			wanted[i].pods = append(wanted[i].pods, user.pod)
		}
	}
	return wanted, nil
}

func managed(ctx context.Context, read client.Reader, name string) (bool, error) {
	node := &ocorev1.Node{}
	err := read.Get(ctx, client.ObjectKey{Name: name}, node)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("reading node %s: %w", name, err)
	}
	return err == nil && attachable.Managed(node), nil
}

// answerable reports that a driver has been asked to attach, and has said neither that it did nor that it could not.
func answerable(attachment *ostoragev1.VolumeAttachment) bool {
	return attachment != nil && attachment.DeletionTimestamp == nil && !attachment.Status.Attached && attachment.Status.AttachError == nil
}
