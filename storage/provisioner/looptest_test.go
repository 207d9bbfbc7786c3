package provisioner

import (
	"fmt"
	"maps"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/pvbinder"
	"github.com/orrery-dev/orrery/controllers/core/pvreclaimer"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/storage/deleter"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/resizer"
	"github.com/orrery-dev/orrery/storage/simulated"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-helpers/storage/volume"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const driverName = "disks.example.com"

var here = driver.Node{Name: "one", In: map[string]string{"disks.example.com/node": "one"}}

// TestClaimsComeAndGo has claims made, bound, enlarged and deleted beside the loops of the control plane: a claim gets one volume, of at least
// its size; no volume that an object tells of is ever gone from the driver; and in the end no other is there.
func TestClaimsComeAndGo(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			disks := &simulated.Controller{}
			d := disks.Driver(driverName, here)
			looptest.Check(t, looptest.Spec{
				Scheme:      scheme,
				Loops:       []loop.Loop{Loop(d), deleter.Loop(d), resizer.Loop(d), pvbinder.Loop(), pvreclaimer.Loop()},
				Start:       func(t *rapid.T) []client.Object { return classesAndClaims(t, Controller{d}, disks) },
				Change:      comeAndGo,
				Environment: schedule,
				Invariants:  []looptest.Invariant{holds(disks)},
				Converged:   func(w *looptest.World) error { return allServed(w, disks) },
			})
		})
	}
}

// TestNoVolumeIsLeft has the process end between any two steps of making a volume, while the claim is deleted: what the driver has made is
// deleted as well.
func TestNoVolumeIsLeft(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	disks := &simulated.Controller{}
	d := disks.Driver(driverName, here)
	looptest.Check(t, looptest.Spec{
		Scheme: scheme,
		Loops:  []loop.Loop{Loop(d), deleter.Loop(d), pvreclaimer.Loop()},
		Start: func(*rapid.T) []client.Object {
			disks.Reset()
			return []client.Object{class("now", storagev1.VolumeBindingImmediate), claim("data", "now", handed, placed)}
		},
		Change: func(t *rapid.T, w *looptest.World) {
			_ = w.Client("user").Delete(t.Context(), claim("data", "now")) // it may be gone
		},
		Converged: func(w *looptest.World) error {
			if left := disks.Volumes(); len(left) > len(looptest.All[*ocorev1.PersistentVolumeClaim](w)) {
				return fmt.Errorf("volumes %v are nobody's", left)
			}
			return nil
		},
	})
}

// classesAndClaims begin a world: some claims have their volumes already.
func classesAndClaims(t *rapid.T, c Controller, disks *simulated.Controller) []client.Object {
	disks.Reset()
	waits, now := class("waits", storagev1.VolumeBindingWaitForFirstConsumer), class("now", storagev1.VolumeBindingImmediate)
	objects := []client.Object{waits, now}
	for i := range rapid.IntRange(0, 1).Draw(t, "claims") {
		objects = append(objects, claim(fmt.Sprint("c", i), rapid.SampledFrom([]string{"waits", "now"}).Draw(t, "class")))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "bound") {
		name := fmt.Sprint("b", i)
		pending := claim(name, "waits", handed, placed, known)
		step := provisioning(c.Plan(pending, world{class: waits}, looptest.Begin))
		made, err := c.Create(t.Context(), step.request)
		if err != nil {
			t.Fatal(err)
		}
		v := step.volume(made.GetVolume())
		v.Status.Phase = corev1.VolumeBound
		pending.Spec.VolumeName = v.Name
		note(volume.AnnBindCompleted, "yes")(pending)
		pending.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, AccessModes: v.Spec.AccessModes, Capacity: v.Spec.Capacity}
		objects = append(objects, pending, v)
	}
	return objects
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	claims := looptest.All[*ocorev1.PersistentVolumeClaim](w)
	if len(claims) == 0 || rapid.IntRange(0, 3).Draw(t, "what") == 0 {
		name := fmt.Sprint("n", w.Version())
		_ = user.Create(t.Context(), claim(name, rapid.SampledFrom([]string{"waits", "now"}).Draw(t, "class"))) // there may be one
		return
	}
	one := rapid.SampledFrom(claims).Draw(t, "claim")
	switch {
	case one.Status.Phase != corev1.ClaimBound || rapid.Bool().Draw(t, "delete"):
		_ = user.Delete(t.Context(), one) // it may be gone
	default:
		looptest.Edit(w, "user", one, func(c *ocorev1.PersistentVolumeClaim) {
			more := c.Spec.Resources.Requests.Storage().DeepCopy()
			more.Add(*size("1Gi"))
			c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: more}
		})
	}
}

// schedule chooses the node for a claim that waits.
func schedule(w *looptest.World, _ func(int) int) bool {
	for _, c := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if c.Annotations[volume.AnnSelectedNode] == "" && *c.Spec.StorageClassName == "waits" {
			looptest.Edit(w, "scheduler", c, func(c *ocorev1.PersistentVolumeClaim) { note(volume.AnnSelectedNode, here.Name)(c) })
			return true
		}
	}
	return false
}

// holds says that the driver has what objects tell of, until they are on their way out.
func holds(disks *simulated.Controller) looptest.Invariant {
	return func(w *looptest.World, _ looptest.Write) error {
		has := disks.Volumes()
		for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
			if _, there := has[v.Spec.CSI.VolumeHandle]; !there && v.Status.Phase == corev1.VolumeBound && v.DeletionTimestamp == nil {
				return fmt.Errorf("volume %s is bound, and the driver does not have it", v.Name)
			}
		}
		return nil
	}
}

func allServed(w *looptest.World, disks *simulated.Controller) error {
	left := disks.Volumes()
	for _, c := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		wants, has := c.Spec.Resources.Requests.Storage(), c.Status.Capacity.Storage()
		bytes, there := left[volumeName(c)]
		switch {
		case c.Status.Phase != corev1.ClaimBound || c.Spec.VolumeName != volumeName(c):
			return fmt.Errorf("claim %s is %s to %q", c.Name, c.Status.Phase, c.Spec.VolumeName)
		case wants.Cmp(*has) > 0 || !there || bytes < wants.Value():
			return fmt.Errorf("claim %s wants %s and has %s, of a volume of %d bytes", c.Name, wants, has, bytes)
		case len(c.Status.Conditions) > 0:
			return fmt.Errorf("claim %s has conditions %v", c.Name, c.Status.Conditions)
		}
		delete(left, volumeName(c))
	}
	if len(left) > 0 {
		return fmt.Errorf("volumes %v are nobody's", maps.Keys(left))
	}
	return nil
}
