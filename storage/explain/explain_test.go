package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}

func claim(changes ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data", UID: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: new("fast"),
			Resources: corev1.VolumeResourceRequirements{Requests: storage("2Gi")},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func disk(changes ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "disk"},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: "fast", Capacity: storage("2Gi"),
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "disks", VolumeHandle: "d-1"}},
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable},
	}
	for _, change := range changes {
		change(v)
	}
	return v
}

func class(mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "disks", VolumeBindingMode: &mode}
}

func pod(node, message string) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: corev1.PodSpec{NodeName: node}}
	if message != "" {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: message}}
	}
	return p
}

func bound(c *corev1.PersistentVolumeClaim) {
	c.Spec.VolumeName, c.Status.Phase, c.Status.Capacity = "disk", corev1.ClaimBound, storage("2Gi")
}

func copied(c *corev1.PersistentVolumeClaim) {
	c.Spec.DataSource = &corev1.TypedLocalObjectReference{Kind: "VolumeSnapshot", Name: "saved"}
}

func TestClaims(t *testing.T) {
	waits, now := class(storagev1.VolumeBindingWaitForFirstConsumer), class(storagev1.VolumeBindingImmediate)
	disks := []string{"disks"}
	none := func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = nil }
	for name, c := range map[string]struct {
		w    World
		want Explanation
	}{
		"one without class and default": {World{Claim: claim(none)}, Explanation{
			State: "is not bound", Because: []string{"it names no class, and no class is the default: a volume has to be made that fits"}}},
		"one whose class is not there": {World{Claim: claim()}, Explanation{State: "is not bound", Because: []string{"there is no StorageClass fast"}}},
		"one that no pod uses": {World{Claim: claim(), Class: waits, Drivers: disks}, Explanation{
			State: "is not bound", Because: []string{"class fast waits for a pod that uses the claim, and none does"}}},
		"one whose pod has no node for want of space": {
			World{Claim: claim(), Class: waits, Drivers: disks, Pods: []corev1.Pod{pod("", "0/1 nodes are available")},
				Capacities: []storagev1.CSIStorageCapacity{{Capacity: new(resource.MustParse("1Gi"))}}},
			Explanation{State: "is not bound", Held: []string{"pod web uses it"}, Because: []string{
				"pod web has no node yet: 0/1 nodes are available", "it wants 2Gi, and no node has more than 1Gi for class fast"}}},
		"one whose driver is not there": {World{Claim: claim(), Class: now}, Explanation{
			State: "is not bound", Because: []string{"class fast is provisioned by disks, and there is no CSIDriver of that name"}}},
		"one whose driver fails": {
			World{Claim: claim(), Class: now, Drivers: disks, Complaints: []corev1.Event{
				{Reason: "ProvisioningFailed", Message: "new", LastTimestamp: metav1.Unix(2, 0)}, {Reason: "ProvisioningFailed", Message: "old", LastTimestamp: metav1.Unix(1, 0)}}},
			Explanation{State: "is not bound", Because: []string{"disks is to make its volume", "ProvisioningFailed: new"}}},
		"one with volumes that come close": {
			World{Claim: claim(), Class: now, Drivers: disks, Volumes: []corev1.PersistentVolume{
				*disk(func(v *corev1.PersistentVolume) {
					v.Name, v.Spec.Capacity, v.Spec.StorageClassName = "far", storage("1Gi"), "slow"
				}),
				*disk(func(v *corev1.PersistentVolume) { v.Spec.Capacity = storage("1Gi") })}},
			Explanation{State: "is not bound", Because: []string{"disks is to make its volume"}, Near: []Miss{
				{"disk", []string{"it has 1Gi, and 2Gi is wanted"}},
				{"far", []string{"it has 1Gi, and 2Gi is wanted", `it is of class "slow", and "fast" is wanted`}}}}},
		"one that is bound": {World{Claim: claim(bound), Volume: disk()}, Explanation{
			State: "is bound to volume disk, of 2Gi", Data: "with driver disks, which calls it d-1"}},
		"one that is a copy": {
			World{Claim: claim(bound, copied), Volume: disk()},
			Explanation{State: "is bound to volume disk, of 2Gi", Data: "with driver disks, which calls it d-1, which began as a copy of VolumeSnapshot saved"}},
		"one that is to be a copy": {World{Claim: claim(copied), Class: now, Drivers: disks}, Explanation{
			State: "is not bound", Because: []string{"it is to be a copy of VolumeSnapshot saved", "disks is to make its volume"}}},
		"one that wants more": {
			World{Claim: claim(bound, func(c *corev1.PersistentVolumeClaim) {
				c.Status.Capacity = storage("1Gi")
				c.Status.Conditions = []corev1.PersistentVolumeClaimCondition{{Type: corev1.PersistentVolumeClaimResizing}}
			}), Volume: disk(), Class: now},
			Explanation{State: "is bound to volume disk, of 1Gi, and wants 2Gi", Data: "with driver disks, which calls it d-1",
				Because: []string{"Resizing", "class fast does not allow volumes to be enlarged"}}},
		"one that is being deleted while a pod uses it": {
			World{Claim: claim(bound, func(c *corev1.PersistentVolumeClaim) {
				c.DeletionTimestamp, c.Finalizers = new(metav1.Now()), []string{"kubernetes.io/pvc-protection", "example.com/x"}
			}), Pods: []corev1.Pod{pod("one", "")}},
			Explanation{State: "is bound to volume disk, of 2Gi", Held: []string{"pod web uses it on node one",
				"finalizer kubernetes.io/pvc-protection stays until no pod uses the claim any more",
				"finalizer example.com/x stays until whoever set it removes it"}}},
		"one that is lost": {World{Claim: claim(bound, func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimLost })}, Explanation{
			State: "is lost", Because: []string{"it was bound to volume disk, which is gone or another claim's"}}},
	} {
		if diff := cmp.Diff(c.want, Claim(c.w)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestVolumes(t *testing.T) {
	of := func(phase corev1.PersistentVolumePhase) func(*corev1.PersistentVolume) {
		return func(v *corev1.PersistentVolume) {
			v.Status.Phase, v.Spec.ClaimRef = phase, &corev1.ObjectReference{Namespace: "shop", Name: "data"}
		}
	}
	here := func(v *corev1.PersistentVolume) {
		v.Spec.CSI.VolumeAttributes = map[string]string{"disks/path": "/volumes/d-1"}
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disks/node", Operator: "In", Values: []string{"one"}}},
		}}}}
	}
	const handle = "with driver disks, which calls it d-1"
	for name, c := range map[string]struct {
		w    World
		want Explanation
	}{
		"one that is free":          {World{Volume: disk()}, Explanation{State: "is free", Data: handle}},
		"one that is kept":          {World{Volume: disk(of(corev1.VolumeAvailable))}, Explanation{State: "is kept for claim shop/data", Data: handle}},
		"one whose data is a place": {World{Volume: disk(of(corev1.VolumeBound), here)}, Explanation{State: "is bound to claim shop/data", Data: "in /volumes/d-1, on node one"}},
		"one that its driver does not delete": {
			World{Volume: disk(of(corev1.VolumeReleased)), Complaints: []corev1.Event{{Reason: "VolumeFailedDelete", Message: "it is in use"}}},
			Explanation{State: "was of claim shop/data, which is gone", Data: handle, Because: []string{
				"its reclaim policy is Delete: driver disks is to delete it", "VolumeFailedDelete: it is in use"}}},
		"one that is to stay": {
			World{Volume: disk(of(corev1.VolumeReleased), func(v *corev1.PersistentVolume) {
				v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
			})},
			Explanation{State: "was of claim shop/data, which is gone", Data: handle, Because: []string{
				"its reclaim policy is Retain: its data stays, and it is free when its spec.claimRef is removed"}}},
		"one that is being deleted while it is attached": {
			World{Volume: disk(of(corev1.VolumeBound), func(v *corev1.PersistentVolume) {
				v.DeletionTimestamp, v.Finalizers = new(metav1.Now()), []string{"kubernetes.io/pv-protection", "external-attacher/disks"}
			}), Attached: []string{"two", "one"}},
			Explanation{State: "is bound to claim shop/data", Data: handle, Held: []string{"it is attached to node one", "it is attached to node two",
				"finalizer kubernetes.io/pv-protection stays until no claim is bound to the volume any more",
				"finalizer external-attacher/disks stays until the volume is attached to no node any more"}}},
	} {
		if diff := cmp.Diff(c.want, Volume(c.w)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}
