package dynamicresources

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/dra"
)

// PostFilter gives back the devices of one claim that stands in the pod's way and that nobody else uses, so that the next
// attempt can choose others. It nominates no node.
func (p *Plugin) PostFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	w, err := stateOf(state)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if w == nil {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	return nil, p.giveBack(ctx, w, pod)
}

// giveBack deallocates one claim, or deletes the one that an earlier attempt made for extended resources.
func (p *Plugin) giveBack(ctx context.Context, w *stateData, pod *corev1.Pod) *fwk.Status {
	logger := klog.FromContext(ctx)
	if claim := w.idle(pod); claim != nil {
		claim = claim.DeepCopy()
		claim.Status.Allocation, claim.Status.ReservedFor, claim.Status.Devices = nil, nil, nil
		if _, err := p.client.ResourceV1().ResourceClaims(claim.Namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
			return fwk.AsStatus(err)
		}
		logger.V(2).Info("Devices that nobody uses were given back", "pod", klog.KObj(pod), "resourceClaim", klog.KObj(claim))
		return fwk.NewStatus(fwk.Unschedulable, "deallocation of ResourceClaim completed")
	}
	if claim := w.leftover(); claim != nil {
		if err := p.remove(ctx, claim); err != nil {
			return fwk.AsStatus(err)
		}
		logger.V(2).Info("Claim of an earlier attempt was deleted", "pod", klog.KObj(pod), "resourceClaim", klog.KObj(claim))
		return fwk.NewStatus(fwk.Unschedulable, "deletion of ResourceClaim completed")
	}
	return fwk.NewStatus(fwk.Unschedulable)
}

// idle returns a claim that is out of reach somewhere and reserved for nobody but perhaps the pod.
func (w *stateData) idle(pod *corev1.Pod) *resourcev1.ResourceClaim {
	for _, i := range sets.List(w.unavailable) {
		if i >= len(w.named()) {
			continue
		}
		claim := w.needs[i].claim
		users := claim.Status.ReservedFor
		if len(users) == 0 || len(users) == 1 && users[0].UID == pod.UID {
			return claim
		}
	}
	return nil
}

// leftover returns the claim for extended resources that an earlier attempt has made.
func (w *stateData) leftover() *resourcev1.ResourceClaim {
	if w.extended == nil {
		return nil
	}
	claim := w.needs[len(w.needs)-1].claim
	if claim.Name == dra.Unnamed {
		return nil
	}
	return claim
}
