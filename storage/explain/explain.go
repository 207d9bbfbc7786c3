package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/component-helpers/storage/volume"
)

// Explanation is what is to be said of a claim or a volume. Its JSON is stable: fields may be added.
type Explanation struct {
	// State is how it stands, in a sentence.
	State string `json:"state"`
	// Because says why it is not how it is to be: each a sentence of its own.
	Because []string `json:"because,omitempty"`
	// Near are the volumes that come closest to what a claim wants.
	Near []Miss `json:"near,omitempty"`
	// Held says who keeps it from going away.
	Held []string `json:"held,omitempty"`
	// Data is where the data lies.
	Data string `json:"data,omitempty"`
}

// Miss is a volume that a claim is not bound to, and why.
type Miss struct {
	Volume  string   `json:"volume"`
	Reasons []string `json:"reasons"`
}

// Claim explains the claim of a world.
func Claim(w World) Explanation {
	claim := w.Claim
	e := Explanation{Held: heldClaim(w)}
	if w.Volume != nil {
		e.Data = data(w.Volume) + began(claim)
	}
	switch wants, has := claim.Spec.Resources.Requests.Storage(), claim.Status.Capacity.Storage(); {
	case claim.Status.Phase == corev1.ClaimLost:
		e.State = "is lost"
		e.Because = []string{"it was bound to volume " + orNone(claim.Spec.VolumeName) + ", which is gone or another claim's"}
	case claim.Status.Phase == corev1.ClaimBound && wants.Cmp(*has) > 0:
		e.State = fmt.Sprintf("is bound to volume %s, of %s, and wants %s", claim.Spec.VolumeName, has, wants)
		e.Because = resizing(w)
	case claim.Status.Phase == corev1.ClaimBound:
		e.State = fmt.Sprintf("is bound to volume %s, of %s", claim.Spec.VolumeName, has)
	default:
		e.State = "is not bound"
		e.Because, e.Near = pending(w), near(w)
	}
	return e
}

// source is what a claim is, or is to be, a copy of; empty if of nothing.
func source(claim *corev1.PersistentVolumeClaim) string {
	if of := claim.Spec.DataSource; of != nil {
		return of.Kind + " " + of.Name
	}
	return ""
}

// began says what the data of a claim was at first; empty if there was none.
func began(claim *corev1.PersistentVolumeClaim) string {
	if of := source(claim); of != "" {
		return ", which began as a copy of " + of
	}
	return ""
}

func orNone(name string) string {
	if name == "" {
		return "(none)"
	}
	return name
}

// resizing says how far a claim has come that wants more.
func resizing(w World) (because []string) {
	for _, c := range w.Claim.Status.Conditions {
		if strings.Contains(string(c.Type), "Resiz") {
			because = append(because, strings.TrimSuffix(string(c.Type)+": "+c.Message, ": "))
		}
	}
	if w.Class != nil && (w.Class.AllowVolumeExpansion == nil || !*w.Class.AllowVolumeExpansion) {
		because = append(because, "class "+w.Class.Name+" does not allow volumes to be enlarged")
	}
	return append(because, lastComplaint(w, "VolumeResizeFailed")...)
}

// pending says why a claim is not bound.
func pending(w World) []string {
	claim := w.Claim
	class := ""
	if claim.Spec.StorageClassName != nil {
		class = *claim.Spec.StorageClassName
	}
	switch {
	case claim.Spec.VolumeName != "" && w.Volume == nil:
		return []string{"it asks for volume " + claim.Spec.VolumeName + ", and there is none"}
	case claim.Spec.VolumeName != "":
		return append([]string{"it asks for volume " + w.Volume.Name}, misses(claim, w.Volume)...)
	case claim.Spec.StorageClassName == nil:
		return []string{"it names no class, and no class is the default: a volume has to be made that fits"}
	case class == "":
		return []string{"it wants no class: a volume has to be made that fits"}
	case w.Class == nil:
		return []string{"there is no StorageClass " + class}
	default:
		return provisioning(w)
	}
}

const noProvisioner = "kubernetes.io/no-provisioner"

// provisioning says why a claim of a class has no volume.
func provisioning(w World) (because []string) {
	class, node := w.Class, w.Claim.Annotations[volume.AnnSelectedNode]
	mode := class.VolumeBindingMode
	waits := mode != nil && *mode == storagev1.VolumeBindingWaitForFirstConsumer && node == ""
	if of := source(w.Claim); of != "" {
		because = append(because, "it is to be a copy of "+of)
	}
	switch {
	case waits && len(w.Pods) == 0:
		because = append(because, "class "+class.Name+" waits for a pod that uses the claim, and none does")
	case waits:
		for i := range w.Pods {
			because = append(because, unscheduled(&w.Pods[i]))
		}
	}
	switch {
	case class.Provisioner == noProvisioner:
		because = append(because, "class "+class.Name+" makes no volumes: one has to be made that fits")
	case !slices.Contains(w.Drivers, class.Provisioner) && !strings.HasPrefix(class.Provisioner, "kubernetes.io/"):
		because = append(because, "class "+class.Name+" is provisioned by "+class.Provisioner+", and there is no CSIDriver of that name")
	case !waits && node != "":
		because = append(because, class.Provisioner+" is to make its volume on node "+node)
	case !waits:
		because = append(because, class.Provisioner+" is to make its volume")
	}
	return append(append(because, space(w)...), lastComplaint(w, "ProvisioningFailed", "FailedBinding", "VolumeMismatch")...)
}

// unscheduled says why a pod has no node yet.
func unscheduled(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "pod " + pod.Name + " has no node yet: " + c.Message
		}
	}
	return "pod " + pod.Name + " has no node yet"
}

// space says that no place has as much space as a claim wants.
func space(w World) []string {
	wants := w.Claim.Spec.Resources.Requests.Storage()
	var most *storagev1.CSIStorageCapacity
	for i := range w.Capacities {
		c := &w.Capacities[i]
		if c.Capacity != nil && (most == nil || c.Capacity.Cmp(*most.Capacity) > 0) {
			most = c
		}
	}
	if most == nil || most.Capacity.Cmp(*wants) >= 0 {
		return nil
	}
	return []string{fmt.Sprintf("it wants %s, and no node has more than %s for class %s", wants, most.Capacity, w.Class.Name)}
}

// lastComplaint is the newest warning for one of some reasons.
func lastComplaint(w World, reasons ...string) []string {
	var last *corev1.Event
	for i := range w.Complaints {
		if e := &w.Complaints[i]; slices.Contains(reasons, e.Reason) && (last == nil || at(e).After(at(last))) {
			last = e
		}
	}
	if last == nil {
		return nil
	}
	return []string{last.Reason + ": " + last.Message}
}

// at is when an event was seen last.
func at(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	default:
		return e.EventTime.Time
	}
}
