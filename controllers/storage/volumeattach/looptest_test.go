package volumeattach_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/storage/volumeattach"
	"github.com/orrery-dev/orrery/controllers/storage/volumedetach"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestVolumesFollowTheirPods lets random pods with volumes come to nodes and go, while claims are being bound, under both namings, with the loop that detaches: no
// volume that is for one node is asked for on two, none is detached that is in use or that a node is told to have, and in the end every
// volume is where pods need it and nowhere else.
func TestVolumesFollowTheirPods(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:       scheme,
			Loops:        []loop.Loop{volumeattach.Loop(), volumedetach.Loop()},
			CurrentLists: true,
			Start:        volumesAndPods,
			Prepare:      fakekubelet.DeletesGracefully,
			Change:       comeAndGo,
			Environment:  fakeattacher.Sync,
			Invariants:   []looptest.Invariant{oneNodeAtATime, nothingInUseIsDetached},
			Converged:    everyVolumeIsWhereItIsNeeded,
		})
	})
}

const exclusive, shared = "exclusive", "shared"

func volumesAndPods(t *rapid.T) []client.Object {
	objs := []client.Object{
		gen.Node("a", gen.NodeReady, fakeattacher.Node), gen.Node("b", gen.NodeReady, fakeattacher.Node), gen.Node("by-itself", gen.NodeReady),
	}
	for name, mode := range map[string]corev1.PersistentVolumeAccessMode{exclusive: corev1.ReadWriteOnce, shared: corev1.ReadWriteMany} {
		objs = append(objs, fakeattacher.Objects(name, mode)...)
	}
	slices.SortFunc(objs, func(a, b client.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, obj := range objs {
		switch obj := obj.(type) {
		case *ocorev1.PersistentVolumeClaim:
			if rapid.Bool().Draw(t, "not bound yet") {
				obj.Status.Phase = corev1.ClaimPending
			}
		case *ocorev1.PersistentVolume:
			if rapid.Bool().Draw(t, "not bound yet") {
				obj.Spec.ClaimRef = nil
			}
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "pods") {
		objs = append(objs, pod(t, i))
	}
	return objs
}

func pod(t *rapid.T, i int) *ocorev1.Pod {
	p := gen.Pod(fmt.Sprint("p", i), gen.Claims(rapid.SampledFrom([]string{exclusive, shared}).Draw(t, "claim")))
	p.Spec.NodeName = rapid.SampledFrom([]string{"a", "b", "by-itself", ""}).Draw(t, "node")
	return p
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	pods := looptest.All[*ocorev1.Pod](w)
	var err error
	switch what := rapid.IntRange(0, 4).Draw(t, "what"); {
	case what == 3:
		bindAll(w)
	case what == 4:
		looptest.Edit(w, "user", gen.Node("by-itself"), fakeattacher.Node)
	case what == 0 && len(pods) < 6:
		p := pod(t, 10+len(looptest.All[*ocorev1.Pod](w)))
		p.UID, p.ResourceVersion = "", ""
		err = user.Create(context.Background(), p)
	case what == 1 && len(pods) > 0:
		err = user.Delete(context.Background(), pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")].DeepCopy())
	case what == 2 && len(pods) > 0:
		bind(w, pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")])
	}
	if client.IgnoreAlreadyExists(client.IgnoreNotFound(err)) != nil {
		t.Fatal(err)
	}
}

// bindAll binds the claims to the volumes, a little at a time.
func bindAll(w *looptest.World) {
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if claim.Status.Phase != corev1.ClaimBound {
			looptest.Edit(w, "binder", claim, func(claim *ocorev1.PersistentVolumeClaim) { claim.Status.Phase = corev1.ClaimBound })
			return
		}
	}
	for _, pv := range looptest.All[*ocorev1.PersistentVolume](w) {
		bound, _ := fakeattacher.Bound(pv.Name)
		looptest.Edit(w, "binder", pv, func(pv *ocorev1.PersistentVolume) { pv.Spec.ClaimRef = bound.Spec.ClaimRef })
	}
}

func bind(w *looptest.World, pod *ocorev1.Pod) {
	if pod.Spec.NodeName == "" {
		looptest.Edit(w, "scheduler", pod, func(p *ocorev1.Pod) { p.Spec.NodeName = "a" })
	}
}

func oneNodeAtATime(w *looptest.World, _ looptest.Write) error {
	if on := attachedOn(w, fakeattacher.ID(exclusive)); len(on) > 1 {
		return fmt.Errorf("the volume that is for one node has attachments on %v", on)
	}
	return nil
}

func attachedOn(w *looptest.World, id attachable.ID) []string {
	var nodes []string
	for _, attachment := range looptest.All[*ostoragev1.VolumeAttachment](w) {
		if attachment.Name == id.Attachment(attachment.Spec.NodeName) {
			nodes = append(nodes, attachment.Spec.NodeName)
		}
	}
	return nodes
}

func nothingInUseIsDetached(w *looptest.World, wrote looptest.Write) error {
	attachment, ok := wrote.Before.(*ostoragev1.VolumeAttachment)
	if !ok || wrote.Verb != "delete" {
		return nil
	}
	return fakeattacher.Untouched(w, attachment)
}

func everyVolumeIsWhereItIsNeeded(w *looptest.World) error {
	var wrong []error
	needed := map[string][]string{}
	managed := map[string]bool{}
	for _, node := range looptest.All[*ocorev1.Node](w) {
		managed[node.Name] = attachable.Managed(node)
	}
	bound := map[string]bool{}
	for _, pv := range looptest.All[*ocorev1.PersistentVolume](w) {
		bound[pv.Name] = pv.Spec.ClaimRef != nil
	}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		bound[claim.Name] = bound[claim.Name] && claim.Status.Phase == corev1.ClaimBound
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		for _, claim := range podclaims.Names(pod) {
			if node := pod.Spec.NodeName; managed[node] && bound[claim] {
				needed[claim] = append(needed[claim], node)
			}
		}
	}
	for _, claim := range []string{exclusive, shared} {
		slices.Sort(needed[claim])
		want := slices.Compact(needed[claim])
		got := attachedOn(w, fakeattacher.ID(claim))
		slices.Sort(got)
		if claim == exclusive && len(want) > 1 {
			want = []string{"either"}
			if len(got) == 1 {
				got = want
			}
		}
		if !slices.Equal(got, want) {
			wrong = append(wrong, fmt.Errorf("volume %s is attached to %v, want %v", claim, got, want))
		}
	}
	for _, node := range looptest.All[*ocorev1.Node](w) {
		for _, told := range node.Status.VolumesAttached {
			if id, _ := attachable.ParseName(told.Name); !fakeattacher.Attached(w, id, node.Name) {
				wrong = append(wrong, fmt.Errorf("node %s is told to have %s", node.Name, id))
			}
		}
	}
	return errors.Join(wrong...)
}
