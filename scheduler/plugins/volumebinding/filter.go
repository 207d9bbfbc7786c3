package volumebinding

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

const stateKey fwk.StateKey = Name

// errNoClaims means that PreFilter did not run, or skipped the pod.
var errNoClaims = errors.New("PreFilter has read no claims")

// attempt is what is known of a pod's claims during one attempt to schedule it.
type attempt struct {
	claims *podClaims
	mutex  sync.RWMutex
	// byNode are the decisions for nodes that will do.
	byNode map[string]*decision
	// volumes are what Reserve has assumed. Nil: nothing had to be.
	volumes *podVolumes
}

// Clone returns the same: what is decided for a node does not depend on the pods on it.
func (a *attempt) Clone() fwk.StateData { return a }

func (a *attempt) decided(node string) *decision {
	a.mutex.RLock()
	defer a.mutex.RUnlock()
	return a.byNode[node]
}

func (a *attempt) remember(node string, d *decision) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.byNode[node] = d
}

// attemptOf returns nil where the pod has no claims.
func attemptOf(state fwk.CycleState) *attempt {
	value, err := state.Read(stateKey)
	if err != nil {
		return nil
	}
	return value.(*attempt)
}

// PreFilter reads all about the pod's claims. It skips pods without any.
func (p *Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if !hasClaims(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	claims, err := p.claimsOf(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	w, err := p.observe(claims)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if w.immediate > 0 {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "pod has unbound immediate PersistentVolumeClaims")
	}
	state.Write(stateKey, &attempt{claims: w, byNode: map[string]*decision{}})
	return nil, nil
}

func hasClaims(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if _, ok := volumeclaims.Of(pod, &pod.Spec.Volumes[i]); ok {
			return true
		}
	}
	return false
}

// claimsOf returns the pod's claims in the order of its volumes.
func (p *Plugin) claimsOf(pod *corev1.Pod) ([]*corev1.PersistentVolumeClaim, error) {
	var claims []*corev1.PersistentVolumeClaim
	for i := range pod.Spec.Volumes {
		if name, ok := volumeclaims.Of(pod, &pod.Spec.Volumes[i]); ok {
			claim, err := p.claimOf(pod, name, pod.Spec.Volumes[i].PersistentVolumeClaim == nil)
			if err != nil {
				return nil, err
			}
			claims = append(claims, claim)
		}
	}
	return claims, nil
}

// claimOf returns a claim, the pod's own or one that it names, if it can be used. The errors are kube-scheduler's: they are
// shown to the user.
func (p *Plugin) claimOf(pod *corev1.Pod, name string, own bool) (*corev1.PersistentVolumeClaim, error) {
	claim := p.assumed.claim(pod.Namespace, name)
	switch {
	case claim == nil && own:
		return nil, fmt.Errorf("waiting for ephemeral volume controller to create the persistentvolumeclaim %q", name)
	case claim == nil:
		return nil, fmt.Errorf("persistentvolumeclaim %q not found", name)
	case claim.Status.Phase == corev1.ClaimLost:
		return nil, fmt.Errorf("persistentvolumeclaim %q bound to non-existent persistentvolume %q", name, claim.Spec.VolumeName)
	case claim.DeletionTimestamp != nil:
		return nil, fmt.Errorf("persistentvolumeclaim %q is being deleted", name)
	case own:
		return claim, ephemeral.VolumeIsForPod(pod, claim)
	}
	return claim, nil
}

// PreFilterExtensions returns nil: other pods do not matter.
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter decides for a node, and refuses it where the claims cannot all have their volumes there.
func (p *Plugin) Filter(ctx context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	a := attemptOf(state)
	if a == nil {
		return fwk.AsStatus(errNoClaims)
	}
	return p.decide(ctx, a, node.Node())
}

// decide remembers the decision where the node will do.
func (p *Plugin) decide(ctx context.Context, a *attempt, node *corev1.Node) *fwk.Status {
	var csiNode *storagev1.CSINode
	if a.claims.hasMigrated() {
		csiNode = p.csiNode(node.Name)
	}
	d, err := decide(a.claims, node, csiNode)
	if err != nil {
		metrics.VolumeStageErrors.WithLabelValues(metrics.VolumesFound).Inc()
		return fwk.AsStatus(err)
	}
	if len(d.refusals) > 0 {
		if logger := klog.FromContext(ctx).V(5); logger.Enabled() {
			logger.Info("Node will not do for the pod's volumes", "node", node.Name, "why", d.refusals)
		}
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, d.reasons()...)
	}
	a.remember(node.Name, d)
	return nil
}

// csiNode returns nil where no driver has registered.
func (p *Plugin) csiNode(node string) *storagev1.CSINode {
	found, err := p.csiNodes.Get(node)
	if err != nil {
		return nil
	}
	return found
}
