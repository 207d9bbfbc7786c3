package snapshotter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// patience is how long it takes until the driver is asked again about a snapshot that is not ready, or that nobody has.
const patience = 5 * time.Second

// Plan has the driver take the snapshot of a content, or delete it.
func (c Controller) Plan(content *snapshotv1.VolumeSnapshotContent, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case !c.isOurs(content):
	case !w.here:
		c.wait(p, content, w, now)
	case isUnwanted(content):
		c.remove(p, content)
	case isFound(content):
		keep(p, content, c.Place.ID())
		adopt(p, content, w, now)
	default:
		keep(p, content, c.Place.ID())
		c.take(p, content, w, now)
	}
	return p
}

// isFound says that a content names a snapshot that people made.
func isFound(content *snapshotv1.VolumeSnapshotContent) bool {
	return content.Spec.Source.SnapshotHandle != nil
}

// isUnwanted says that a content is to go: it is being deleted, and its VolumeSnapshot is as well, or it never had one; and the driver
// is not taking the snapshot.
func isUnwanted(content *snapshotv1.VolumeSnapshotContent) bool {
	if content.DeletionTimestamp == nil {
		return false
	}
	_, deleted := content.Annotations[snapshotkinds.BeingDeleted]
	unbound := isFound(content) && content.Spec.VolumeSnapshotRef.UID == ""
	return unbound || deleted && !isBeingTaken(content)
}

// remove lets a content go, after what the driver has if that is to go with it.
func (c Controller) remove(p *plan.Plan, content *snapshotv1.VolumeSnapshotContent) {
	policy := content.Spec.DeletionPolicy
	switch {
	case !slices.Contains(content.Finalizers, snapshotkinds.ContentFinalizer):
		p.Because("it is being deleted, and held by others")
	case policy == snapshotv1.VolumeSnapshotContentDelete && content.Status != nil && content.Status.SnapshotHandle != nil:
		p.Do(&drop{c.Driver, content})
		p.StatusAfter(content, func(failed error) client.Object {
			if failed != nil {
				return content
			}
			return dropped(content)
		})
		p.RemoveFinalizer("its driver has deleted the snapshot", content, snapshotkinds.ContentFinalizer)
	default:
		p.RemoveFinalizer(fmt.Sprintf("its deletion policy is %s, and nothing of the driver's goes with it", policy), content, snapshotkinds.ContentFinalizer)
	}
}

// wait leaves a content to whom it belongs. Where nobody has said for a while that it is theirs, one of people is told of, and one that is
// to go is let go: nobody has its snapshot.
func (c Controller) wait(p *plan.Plan, content *snapshotv1.VolumeSnapshotContent, w world, now time.Time) {
	since := content.CreationTimestamp.Time
	if content.DeletionTimestamp != nil {
		since = content.DeletionTimestamp.Time
	}
	_, told := content.Labels[snapshotkinds.ManagedBy]
	switch waits := patience - now.Sub(since); {
	case told || !isFound(content) && !isUnwanted(content):
		p.Because("its snapshot is not at " + c.Place.ID())
	case waits > 0:
		p.After(waits, "then nobody has its snapshot")
	case !isUnwanted(content):
		missing(p, content, w, now)
	case w.missed == nil:
		p.RemoveFinalizer("nobody has its snapshot", content, snapshotkinds.ContentFinalizer)
	default:
		p.After(patience, "then the driver may be there")
	}
}

// keep has a content say where its snapshot is, and stay until its driver has deleted that.
func keep(p *plan.Plan, content *snapshotv1.VolumeSnapshotContent, here string) {
	kept := content.DeepCopy()
	metav1.SetMetaDataLabel(&kept.ObjectMeta, snapshotkinds.ManagedBy, here)
	if content.DeletionTimestamp == nil && content.Spec.VolumeSnapshotRef.UID != "" {
		controllerutil.AddFinalizer(kept, snapshotkinds.ContentFinalizer)
	}
	p.Patch("its snapshot is at "+here, content, kept)
}

// adopt has the status of a content tell of the snapshot that people made.
func adopt(p *plan.Plan, content *snapshotv1.VolumeSnapshotContent, w world, now time.Time) {
	switch {
	case isReady(content):
	case w.found == nil:
		missing(p, content, w, now)
	default:
		p.Status(content, taken(content, w.found, now))
		if !w.found.GetReadyToUse() {
			p.After(patience, "then the driver may have it ready")
		}
	}
}

// missing tells that the driver does not have the snapshot that people say it has.
func missing(p *plan.Plan, content *snapshotv1.VolumeSnapshotContent, w world, now time.Time) {
	handle := *content.Spec.Source.SnapshotHandle
	err := w.missed
	if err == nil {
		err = fmt.Errorf("can not find snapshot for snapshotID %s", handle)
	}
	message := fmt.Sprintf("Failed to check and update snapshot content: failed to list snapshot for content %s: %q", content.Name, err)
	if !says(content, message) {
		p.Status(content, failed(content, message, now))
		p.Event(content, plan.Warning, reasonMissing, "%s", message)
	}
	p.After(patience, "then somebody may have made it")
}

// take has the driver take the snapshot, which is written down before, until the driver has answered.
func (c Controller) take(p *plan.Plan, content *snapshotv1.VolumeSnapshotContent, w world, now time.Time) {
	if isTaken(content) && isBeingTaken(content) {
		p.Patch("the driver has taken it", content, answered(content))
	}
	if isReady(content) {
		return
	}
	request, err := c.request(content, w)
	if err != nil {
		message := "Failed to create snapshot: " + err.Error()
		if !says(content, message) {
			p.Status(content, failed(content, message, now))
			p.Event(content, plan.Warning, reasonFailed, "%s", message)
		}
		p.Because(message)
		return
	}
	asked := content
	if !isTaken(content) {
		asked = asking(content)
		p.Patch("the driver is asked for it", content, asked)
	}
	p.Do(&take{driver: c.Driver, content: asked, request: request})
	p.After(patience, "then the driver may have it ready")
}

// request is what the driver is asked for.
func (c Controller) request(content *snapshotv1.VolumeSnapshotContent, w world) (*csi.CreateSnapshotRequest, error) {
	const input = "failed to get input parameters to create snapshot for content"
	switch name := content.Spec.VolumeSnapshotClassName; {
	case name == nil:
		return nil, fmt.Errorf("%s %s: %q", input, content.Name, "failed to take snapshot "+content.Name+" without a snapshot class")
	case w.class == nil:
		return nil, fmt.Errorf("%s %s: %q", input, content.Name, fmt.Sprintf("volumesnapshotclass.snapshot.storage.k8s.io %q not found", *name))
	case content.Spec.VolumeSnapshotRef.UID == "":
		return nil, fmt.Errorf("failed to take snapshot of the volume %s: %q", *content.Spec.Source.VolumeHandle,
			"cannot create snapshot. Snapshot content "+content.Name+" not bound to a snapshot")
	}
	parameters, err := ownParameters(w.class.Parameters)
	if err != nil {
		return nil, err
	}
	return &csi.CreateSnapshotRequest{
		Name: "snapshot-" + string(content.Spec.VolumeSnapshotRef.UID), SourceVolumeId: *content.Spec.Source.VolumeHandle, Parameters: parameters,
	}, nil
}

// reserved begins the parameters of a class that are for the loops beside a driver.
const reserved = "csi.storage.k8s.io/"

// ownParameters are those of a class that the driver gets.
func ownParameters(of map[string]string) (map[string]string, error) {
	own := map[string]string{}
	for key, value := range of {
		switch {
		case !strings.HasPrefix(key, reserved):
			own[key] = value
		case strings.Contains(key, "secret"):
			return nil, fmt.Errorf("the class has the parameter %s, and this snapshotter reads no Secrets", key)
		default:
			return nil, fmt.Errorf("failed to remove CSI Parameters of prefixed keys: found unknown parameter key %q with reserved namespace %s", key, reserved)
		}
	}
	return own, nil
}
