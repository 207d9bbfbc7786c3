package defaultpreemption

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// place is a copy of a node on which it is tried whether the pod fits without others. Of a group that goes as a whole,
// the members elsewhere are only taken out of what PreFilter plugins have computed: the pod is filtered on this node alone.
type place struct {
	handle   fwk.Handle
	snapshot fwk.SharedLister
	state    fwk.CycleState
	pod      *corev1.Pod
	node     fwk.NodeInfo
}

var _ preemption.Trial = &place{}

// Clear takes all victims away and says whether the pod fits then.
func (p *place) Clear(ctx context.Context, victims []*preemption.Victim) *fwk.Status {
	for _, victim := range victims {
		if err := p.remove(ctx, victim); err != nil {
			return fwk.AsStatus(err)
		}
	}
	return p.fits(ctx)
}

// Reprieve puts a victim back if the pod fits all the same.
func (p *place) Reprieve(ctx context.Context, victim *preemption.Victim) (bool, error) {
	if err := p.add(ctx, victim); err != nil {
		return false, err
	}
	if p.fits(ctx).IsSuccess() {
		return true, nil
	}
	return false, p.remove(ctx, victim)
}

func (p *place) fits(ctx context.Context) *fwk.Status {
	return p.handle.RunFilterPluginsWithNominatedPods(ctx, p.state, p.pod, p.node)
}

func (p *place) remove(ctx context.Context, victim *preemption.Victim) error {
	for _, pod := range victim.Pods {
		node := p.nodeOf(pod.GetPod())
		if node == p.node {
			if err := p.node.RemovePod(klog.FromContext(ctx), pod.GetPod()); err != nil {
				return err
			}
		}
		if node == nil {
			continue
		}
		if status := p.handle.RunPreFilterExtensionRemovePod(ctx, p.state, p.pod, pod, node); !status.IsSuccess() {
			return status.AsError()
		}
	}
	return nil
}

func (p *place) add(ctx context.Context, victim *preemption.Victim) error {
	for _, pod := range victim.Pods {
		node := p.nodeOf(pod.GetPod())
		if node == p.node {
			p.node.AddPodInfo(pod)
		}
		if node == nil {
			continue
		}
		if status := p.handle.RunPreFilterExtensionAddPod(ctx, p.state, p.pod, pod, node); !status.IsSuccess() {
			return status.AsError()
		}
	}
	return nil
}

// nodeOf returns the node that a pod is on, which for a member of a group may be another, or nil where it has gone.
func (p *place) nodeOf(pod *corev1.Pod) fwk.NodeInfo {
	if pod.Spec.NodeName == p.node.Node().Name {
		return p.node
	}
	node, err := p.snapshot.NodeInfos().Get(pod.Spec.NodeName)
	if err != nil {
		return nil
	}
	return node
}
