package explain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Volume explains the volume of a world.
func Volume(w World) Explanation {
	v := w.Volume
	e := Explanation{Held: heldVolume(w), Data: data(v)}
	if w.Claim != nil {
		e.Data += began(w.Claim)
	}
	claim := claimOf(v.Spec.ClaimRef)
	switch {
	case v.Status.Phase == corev1.VolumeBound:
		e.State = "is bound to claim " + claim
	case v.Status.Phase == corev1.VolumeReleased || v.Status.Phase == corev1.VolumeFailed:
		e.State = "was of claim " + claim + ", which is gone"
		e.Because = reclaiming(w)
	case claim != "":
		e.State = "is kept for claim " + claim
	default:
		e.State = "is free"
	}
	return e
}

// reclaiming says what becomes of a volume whose claim is gone.
func reclaiming(w World) (because []string) {
	v := w.Volume
	switch policy := v.Spec.PersistentVolumeReclaimPolicy; policy {
	case corev1.PersistentVolumeReclaimRetain:
		because = append(because, "its reclaim policy is Retain: its data stays, and it is free when its spec.claimRef is removed")
	case corev1.PersistentVolumeReclaimDelete:
		if v.Spec.CSI != nil {
			because = append(because, "its reclaim policy is Delete: driver "+v.Spec.CSI.Driver+" is to delete it")
			break
		}
		because = append(because, "its reclaim policy is Delete")
	default:
		because = append(because, fmt.Sprintf("its reclaim policy is %s", policy))
	}
	if v.Status.Message != "" {
		because = append(because, v.Status.Message)
	}
	return append(because, lastComplaint(w, "VolumeFailedDelete", "VolumeFailedRecycle")...)
}

// finalizers are those whose owners we know, and what each waits for.
var finalizers = map[string]string{
	"kubernetes.io/pvc-protection":                            "no pod uses the claim any more",
	"kubernetes.io/pv-protection":                             "no claim is bound to the volume any more",
	"external-provisioner.volume.kubernetes.io/finalizer":     "the volume's driver has deleted it",
	"kubernetes.io/pv-controller":                             "the volume's plugin has deleted it",
	"provisioner.storage.kubernetes.io/cloning-protection":    "no volume is made any more that is a copy of it",
	"storage.orrery.dev/being-provisioned":                    "the driver has made its volume, or has refused to",
	"snapshot.storage.kubernetes.io/pvc-as-source-protection": "no snapshot is being taken of it any more",
}

// waiting says what the finalizers of an object that is being deleted wait for.
func waiting(names []string) (held []string) {
	for _, name := range names {
		switch until, known := finalizers[name]; {
		case known:
			held = append(held, "finalizer "+name+" stays until "+until)
		case strings.HasPrefix(name, "external-attacher/"):
			held = append(held, "finalizer "+name+" stays until the volume is attached to no node any more")
		default:
			held = append(held, "finalizer "+name+" stays until whoever set it removes it")
		}
	}
	return held
}

// heldClaim says who uses a claim, and what it waits for if it is being deleted.
func heldClaim(w World) (held []string) {
	for i := range w.Pods {
		pod := &w.Pods[i]
		at := ""
		if pod.Spec.NodeName != "" {
			at = " on node " + pod.Spec.NodeName
		}
		held = append(held, "pod "+pod.Name+" uses it"+at)
	}
	if w.Claim.DeletionTimestamp != nil {
		held = append(held, waiting(w.Claim.Finalizers)...)
	}
	return held
}

// heldVolume says who uses a volume, and what it waits for if it is being deleted.
func heldVolume(w World) (held []string) {
	if w.Claim != nil {
		for i := range w.Pods {
			held = append(held, "pod "+w.Pods[i].Namespace+"/"+w.Pods[i].Name+" uses it")
		}
	}
	slices.Sort(w.Attached)
	for _, node := range w.Attached {
		held = append(held, "it is attached to node "+node)
	}
	if w.Volume.DeletionTimestamp != nil {
		held = append(held, waiting(w.Volume.Finalizers)...)
	}
	return held
}

// pathAttribute ends the name of the attribute by which our driver says where data is.
const pathAttribute = "/path"

// data is where the data of a volume lies.
func data(v *corev1.PersistentVolume) string {
	switch s := v.Spec.PersistentVolumeSource; {
	case s.CSI != nil:
		for key, value := range s.CSI.VolumeAttributes {
			if key == s.CSI.Driver+pathAttribute {
				return "in " + value + on(v)
			}
		}
		return "with driver " + s.CSI.Driver + ", which calls it " + s.CSI.VolumeHandle + on(v)
	case s.Local != nil:
		return "in " + s.Local.Path + on(v)
	case s.HostPath != nil:
		return "in " + s.HostPath.Path + ", on whichever node the pod is" + on(v)
	case s.NFS != nil:
		return "in " + s.NFS.Path + " of " + s.NFS.Server
	default:
		return ""
	}
}

// on is the node that a volume can be used on, if it is one.
func on(v *corev1.PersistentVolume) string {
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
		return ""
	}
	var values []string
	for _, term := range v.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, each := range term.MatchExpressions {
			values = append(values, each.Values...)
		}
	}
	if len(values) != 1 {
		return ""
	}
	return ", on node " + values[0]
}
