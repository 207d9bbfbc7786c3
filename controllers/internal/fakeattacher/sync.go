package fakeattacher

import (
	"context"
	"fmt"
	"maps"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// finalizer is what an external-attacher keeps an attachment by until the volume is detached.
const finalizer = "external-attacher/csi-example-com"

// Sync takes one step that pick chooses, and reports whether there was anything to do. Kubelets of nodes that are not ready do nothing.
func Sync(w *looptest.World, pick func(n int) int) bool {
	var steps []func()
	for _, attachment := range looptest.All[*ostoragev1.VolumeAttachment](w) {
		if step := attacher(w, attachment); step != nil {
			steps = append(steps, step)
		}
	}
	for _, node := range looptest.All[*ocorev1.Node](w) {
		if nodestatus.Ready(node) {
			steps = append(steps, kubelet(w, node)...)
		}
	}
	if len(steps) == 0 {
		return false
	}
	steps[pick(len(steps))]()
	return true
}

// attacher is the next step of the external-attacher for an attachment; nil if there is none.
func attacher(w *looptest.World, attachment *ostoragev1.VolumeAttachment) func() {
	edit := func(change func(*ostoragev1.VolumeAttachment)) func() {
		return func() { looptest.Edit(w, "external-attacher", attachment, change) }
	}
	ours := controllerutil.ContainsFinalizer(attachment, finalizer)
	switch {
	case attachment.DeletionTimestamp != nil && ours:
		return edit(func(a *ostoragev1.VolumeAttachment) { controllerutil.RemoveFinalizer(a, finalizer) })
	case attachment.DeletionTimestamp == nil && !ours:
		return edit(func(a *ostoragev1.VolumeAttachment) { controllerutil.AddFinalizer(a, finalizer) })
	case attachment.DeletionTimestamp == nil && !attachment.Status.Attached:
		return edit(func(a *ostoragev1.VolumeAttachment) { a.Status.Attached = true })
	default:
		return nil
	}
}

// kubelet are the steps that a kubelet could take: pods end; volumes are reported in use, mounted, and reported no more.
func kubelet(w *looptest.World, node *ocorev1.Node) []func() {
	var steps []func()
	needed := map[corev1.UniqueVolumeName]bool{}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Spec.NodeName != node.Name {
			continue
		}
		if pod.DeletionTimestamp != nil {
			steps = append(steps, ends(w, pod))
		}
		if replicas.Ended(pod) {
			continue
		}
		for _, claim := range podclaims.Names(pod) {
			needed[ID(claim).Name()] = true
		}
		if pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodPending && all(w, node, pod) {
			steps = append(steps, func() {
				looptest.Edit(w, "kubelet", pod, func(p *ocorev1.Pod) {
					p.Status.Phase = corev1.PodRunning
					p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
				})
			})
		}
	}
	return append(steps, reports(w, node, needed)...)
}

// ends lets a deleted pod end, and go.
func ends(w *looptest.World, pod *ocorev1.Pod) func() {
	if !replicas.Ended(pod) {
		return func() {
			looptest.Edit(w, "kubelet", pod, func(p *ocorev1.Pod) {
				p.Status.Phase = corev1.PodFailed
				p.Status.ContainerStatuses = nil
			})
		}
	}
	return func() { _ = w.Client("kubelet").Delete(context.Background(), pod, client.GracePeriodSeconds(0)) }
}

// all reports that all volumes of a pod can be mounted: they are reported in use, and then the kubelet is told that they are attached.
func all(w *looptest.World, node *ocorev1.Node, pod *ocorev1.Pod) bool {
	return !slices.ContainsFunc(podclaims.Names(pod), func(claim string) bool {
		id := ID(claim)
		told := slices.ContainsFunc(node.Status.VolumesAttached, func(v corev1.AttachedVolume) bool { return v.Name == id.Name() })
		return !told || !slices.Contains(node.Status.VolumesInUse, id.Name()) || !Attached(w, id, node.Name)
	})
}

// Attached reports that a volume is attached to a node, and to stay so.
func Attached(w *looptest.World, id attachable.ID, node string) bool {
	return slices.ContainsFunc(looptest.All[*ostoragev1.VolumeAttachment](w), func(a *ostoragev1.VolumeAttachment) bool {
		return a.Name == id.Attachment(node) && a.Status.Attached && a.DeletionTimestamp == nil
	})
}

// Untouched says what is wrong with detaching a volume now: its node has it in use, or is told to have it.
func Untouched(w *looptest.World, attachment *ostoragev1.VolumeAttachment) error {
	for _, node := range looptest.All[*ocorev1.Node](w) {
		if node.Name != attachment.Spec.NodeName {
			continue
		}
		if used := node.Status.VolumesInUse; slices.ContainsFunc(used, func(v corev1.UniqueVolumeName) bool { return is(v, attachment) }) {
			return fmt.Errorf("%s goes, and node %s has it in use", attachment.Name, node.Name)
		}
		if told := node.Status.VolumesAttached; slices.ContainsFunc(told, func(v corev1.AttachedVolume) bool { return is(v.Name, attachment) }) {
			return fmt.Errorf("%s goes, and node %s is told to have it", attachment.Name, node.Name)
		}
	}
	return nil
}

// is reports that a node means the volume of an attachment.
func is(name corev1.UniqueVolumeName, attachment *ostoragev1.VolumeAttachment) bool {
	id, _ := attachable.ParseName(name)
	return id.Attachment(attachment.Spec.NodeName) == attachment.Name
}

// reports are the changes of what a node says that it uses.
func reports(w *looptest.World, node *ocorev1.Node, needed map[corev1.UniqueVolumeName]bool) []func() {
	var steps []func()
	edit := func(change func(*ocorev1.Node)) {
		steps = append(steps, func() { looptest.Edit(w, "kubelet", node, change) })
	}
	for _, name := range node.Status.VolumesInUse {
		if !needed[name] {
			edit(func(n *ocorev1.Node) {
				n.Status.VolumesInUse = slices.DeleteFunc(n.Status.VolumesInUse, func(v corev1.UniqueVolumeName) bool { return v == name })
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if !slices.Contains(node.Status.VolumesInUse, name) {
			edit(func(n *ocorev1.Node) {
				n.Status.VolumesInUse = append(n.Status.VolumesInUse, name)
				slices.Sort(n.Status.VolumesInUse)
			})
		}
	}
	return steps
}
