package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

const stateKey fwk.StateKey = Name

// stateData is what was observed for one pod, and what is planned for it. A pod without claims has none.
type stateData struct {
	// needs are the pod's claims in its order; the one for extended resources, if there may be one, is the last.
	needs []*need
	// extended says what the last need is for. Nil means that the pod needs no claim for extended resources.
	extended *extended
	// allocator knows all devices and what is taken of them. Nil means that every claim is allocated.
	allocator structured.Allocator
	// group is shared with the other pods of a group, while the group is being scheduled. Nil without one.
	group *group

	mutex sync.Mutex
	plans map[string]*plan // by node
	// unavailable are the indices of allocated needs whose devices are out of reach for, or not ready on, some node.
	unavailable sets.Set[int]
}

// need is one claim of the pod.
type need struct {
	claim *resourcev1.ResourceClaim
	// selector says which nodes can reach the devices of the claim's allocation. Nil means all, or no allocation.
	selector *nodeaffinity.NodeSelector
	// allocation is what has to be written into the claim: since Reserve the chosen plan's, or from the start that of
	// another pod of the same group.
	allocation *resourcev1.AllocationResult
	// signalled says that Reserve made the allocation count for this pod, which has to be ended once.
	signalled bool
}

// allocated reports whether the claim's devices are chosen, and written.
func (n *need) allocated() bool { return n.claim.Status.Allocation != nil }

// Clone returns the same: all copies plan for the same pod.
func (w *stateData) Clone() fwk.StateData { return w }

// named are the needs that the pod names, which are all but the one for extended resources.
func (w *stateData) named() []*need {
	if w.extended != nil {
		return w.needs[:len(w.needs)-1]
	}
	return w.needs
}

// stateOf returns what PreFilter observed. Nil means that the pod has no claims, or was refused.
func stateOf(state fwk.CycleState) (*stateData, error) {
	value, err := state.Read(stateKey)
	if errors.Is(err, fwk.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what PreFilter observed: %w", err)
	}
	return value.(*stateData), nil
}

// PreFilter observes the pod's claims and refuses the pod while one of them is not ready to be used or allocated.
func (p *Plugin) PreFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	claims, err := p.claimsOf(pod)
	if err != nil {
		return nil, refused(err.Error())
	}
	amounts := p.extendedAmounts(pod)
	if len(claims) == 0 && amounts == nil {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	w := &stateData{plans: map[string]*plan{}}
	for _, claim := range claims {
		w.needs = append(w.needs, &need{claim: claim})
	}
	if amounts != nil {
		if err := p.observeExtended(w, pod, amounts); err != nil {
			return nil, fwk.AsStatus(err)
		}
	}
	if w.group, err = groupOf(state); err != nil {
		return nil, fwk.AsStatus(err)
	}
	if status := p.observeNeeds(ctx, w, pod); !status.IsSuccess() {
		return nil, status
	}
	w.group.remember(pod, w)
	state.Write(stateKey, w)
	return nil, nil
}

// PreFilterExtensions returns nil: other pods on a node make no difference.
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

func (p *Plugin) observeNeeds(ctx context.Context, w *stateData, pod *corev1.Pod) *fwk.Status {
	complete := true
	for i, need := range w.needs {
		if need.allocated() {
			if !resourceclaim.CanBeReserved(need.claim) && !resourceclaim.IsReservedForPod(pod, need.claim, false) {
				return refused("resourceclaim in use")
			}
			if err := need.reach(need.claim.Status.Allocation); err != nil {
				return fwk.AsStatus(err)
			}
			continue
		}
		complete = false
		if pending := p.known.ResourceClaims().GetPendingAllocation(need.claim.UID); pending != nil {
			if !w.group.shares(need.claim.UID) {
				return refused(fmt.Sprintf("resource claim %s is in the process of being allocated", klog.KObj(need.claim)))
			}
			need.allocation = pending
			if err := need.reach(pending); err != nil {
				return fwk.AsStatus(err)
			}
			continue
		}
		if w.extended != nil && i == len(w.needs)-1 {
			continue // What it asks for depends on the node.
		}
		if status := p.checkRequests(need.claim); !status.IsSuccess() {
			return status
		}
	}
	if complete {
		return nil
	}
	var err error
	if w.allocator, err = p.newAllocator(ctx); err != nil {
		return fwk.AsStatus(err)
	}
	return nil
}

func (n *need) reach(allocation *resourcev1.AllocationResult) (err error) {
	if allocation.NodeSelector != nil {
		if n.selector, err = nodeaffinity.NewNodeSelector(allocation.NodeSelector); err != nil {
			return fmt.Errorf("reading the node selector of resource claim %s: %w", klog.KObj(n.claim), err)
		}
	}
	return nil
}

// checkRequests refuses a claim whose device classes do not all exist: it could be allocated on no node.
func (p *Plugin) checkRequests(claim *resourcev1.ResourceClaim) *fwk.Status {
	for _, request := range claim.Spec.Devices.Requests {
		switch {
		case request.Exactly != nil:
			if status := p.checkClass(request.Exactly.DeviceClassName, request.Name); !status.IsSuccess() {
				return status
			}
		case len(request.FirstAvailable) > 0:
			for _, alternative := range request.FirstAvailable {
				name := resourceclaim.CreateSubRequestRef(request.Name, alternative.Name)
				if status := p.checkClass(alternative.DeviceClassName, name); !status.IsSuccess() {
					return status
				}
			}
		default:
			return refused(fmt.Sprintf("resource claim %s, request %s: unknown request type", klog.KObj(claim), request.Name))
		}
	}
	return nil
}

func (p *Plugin) checkClass(class, request string) *fwk.Status {
	if class == "" {
		return fwk.AsStatus(fmt.Errorf("request %s: unsupported request type", request))
	}
	if _, err := p.known.DeviceClasses().Get(class); apierrors.IsNotFound(err) {
		return refused(fmt.Sprintf("request %s: device class %s does not exist", request, class))
	}
	return nil // Any other error, the allocator will meet again.
}

// newAllocator takes stock of all devices.
func (p *Plugin) newAllocator(ctx context.Context) (structured.Allocator, error) {
	taken, err := p.known.ResourceClaims().GatherAllocatedState()
	if err != nil {
		return nil, fmt.Errorf("gather allocation state: %w", err)
	}
	slices, err := p.known.ResourceSlices().ListWithDeviceTaintRules()
	if err != nil {
		return nil, fmt.Errorf("listing ResourceSlices: %w", err)
	}
	return structured.NewAllocator(ctx, Features(), *taken, p.known.DeviceClasses(), slices, p.expressions)
}
