package volumedetach_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/storage/volumedetach"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestWhatNobodyNeedsIsDetached lets pods go and nodes fall silent, come back, be given up and vanish, under both namings: nothing is
// detached that a node in service which is ready has in use or is told to have; and in the end nothing is attached that nobody needs.
func TestWhatNobodyNeedsIsDetached(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:      scheme,
			Loops:       []loop.Loop{volumedetach.Loop()},
			Start:       attached,
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      change,
			Environment: fakeattacher.Sync,
			Invariants:  []looptest.Invariant{nothingInUseIsDetached},
			Converged:   nothingUnneededIsLeft,
		})
	})
}

var names = []string{"one", "two"}

// attached are nodes with volumes that are attached to them, of which pods need some, one that somebody else attached, and one of
// another plugin.
func attached(t *rapid.T) []client.Object {
	foreign := fakeattacher.Attachment("one", "a")
	foreign.Name = "of-somebody-else"
	objs := []client.Object{foreign}
	for _, name := range []string{"a", "b"} {
		node := gen.Node(name, rapid.SampledFrom([]func(*ocorev1.Node){gen.NodeReady, gen.NodeUnknown}).Draw(t, "readiness"), fakeattacher.Node)
		node.Status.VolumesAttached = []corev1.AttachedVolume{{Name: "kubernetes.io/iscsi/disk"}}
		objs = append(objs, node)
	}
	for _, name := range names {
		objs = append(objs, fakeattacher.Objects(name, corev1.ReadWriteMany)...)
		for _, node := range []string{"a", "b", "gone"} {
			if rapid.Bool().Draw(t, "attached") {
				objs = append(objs, fakeattacher.Attachment(name, node))
			}
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "pods") {
		pod := gen.Pod(fmt.Sprint("p", i), gen.Claims(rapid.SampledFrom(names).Draw(t, "claim")))
		pod.Spec.NodeName = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "node")
		objs = append(objs, pod)
	}
	return objs
}

func change(t *rapid.T, w *looptest.World) {
	pods, nodes := looptest.All[*ocorev1.Pod](w), looptest.All[*ocorev1.Node](w)
	if len(nodes) == 0 {
		return
	}
	node := nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "node")]
	switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
	case what == 0:
		_ = w.Client("user").Delete(context.Background(), node.DeepCopy())
	case what == 1:
		looptest.Edit(w, "user", node, gen.Tainted(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute, 0))
	case what < 5:
		looptest.Edit(w, "kubelet", node, func(node *ocorev1.Node) {
			status := corev1.ConditionTrue
			if nodestatus.Ready(node) {
				status = corev1.ConditionUnknown
			}
			node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}
		})
	case len(pods) > 0:
		pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
		looptest.Edit(w, "kubelet", pod, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
	}
}

func nothingInUseIsDetached(w *looptest.World, wrote looptest.Write) error {
	attachment, ok := wrote.Before.(*ostoragev1.VolumeAttachment)
	if !ok || wrote.Verb != "delete" {
		return nil
	}
	if attachment.Name == "of-somebody-else" {
		return errors.New("somebody else's attachment is deleted")
	}
	for _, node := range looptest.All[*ocorev1.Node](w) {
		if node.Name == attachment.Spec.NodeName && nodestatus.Ready(node) && len(node.Spec.Taints) == 0 {
			return fakeattacher.Untouched(w, attachment)
		}
	}
	return nil
}

// user is a pod that needs the volume of an attachment on its node; nil if there is none.
func user(w *looptest.World, attachment *ostoragev1.VolumeAttachment) *ocorev1.Pod {
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if replicas.Ended(pod) {
			continue
		}
		if slices.ContainsFunc(podclaims.Names(pod), func(claim string) bool {
			return fakeattacher.ID(claim).Attachment(pod.Spec.NodeName) == attachment.Name
		}) {
			return pod
		}
	}
	return nil
}

func nothingUnneededIsLeft(w *looptest.World) error {
	var wrong []error
	for _, attachment := range looptest.All[*ostoragev1.VolumeAttachment](w) {
		if attachment.Name != "of-somebody-else" && user(w, attachment) == nil {
			wrong = append(wrong, fmt.Errorf("%s is left on node %s", attachment.Name, attachment.Spec.NodeName))
		}
	}
	for _, node := range looptest.All[*ocorev1.Node](w) {
		told := node.Status.VolumesAttached
		if len(told) == 0 || told[0].Name != "kubernetes.io/iscsi/disk" {
			wrong = append(wrong, fmt.Errorf("node %s lost a volume of another plugin: %v", node.Name, told))
		}
		for _, name := range names {
			has := slices.ContainsFunc(told, func(v corev1.AttachedVolume) bool { return v.Name == fakeattacher.ID(name).Name() })
			if has != fakeattacher.Attached(w, fakeattacher.ID(name), node.Name) {
				wrong = append(wrong, fmt.Errorf("node %s is told to have %s: %t", node.Name, name, has))
			}
		}
	}
	return errors.Join(wrong...)
}
