package pods

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// retryPending is how often a deferred resize is looked at again when nothing has told of room; the kubelet's figure.
const retryPending = 3 * time.Minute

// qosChanged is said of a resize that would make the pod one of another class; API servers refuse it as well.
const qosChanged = "Pod QOS Class may not change as a result of resizing"

// admitCheck is Options.Admit.
type admitCheck = func(pod *corev1.Pod, others []*corev1.Pod) *status.Failure

// resizeCheck is Options.Infeasible.
type resizeCheck = func(wanted, allocated *corev1.Pod) string

// contender is a pod of the node: as its spec wants it, and with what it was allocated. Where both are the same, nothing is pending.
type contender struct {
	wanted, allocated *corev1.Pod
}

// refusal says why a pod that wants other resources cannot have them now; nil if it can. all are the pods that take up room, with it
// among them. Those that come before it get their room first, whichever of them is asked about.
func refusal(uid types.UID, all []contender, admit admitCheck, infeasible resizeCheck) *status.Failure {
	var pending []contender
	taken := map[types.UID]*corev1.Pod{}
	for _, each := range all {
		taken[each.allocated.UID] = each.allocated
		if each.wanted != each.allocated {
			pending = append(pending, each)
		}
	}
	slices.SortStableFunc(pending, inOrder)
	for _, each := range pending {
		refused := each.refused(all, taken, admit, infeasible)
		if each.wanted.UID == uid {
			return refused
		}
		if refused == nil {
			taken[each.wanted.UID] = each.wanted
		}
	}
	return nil
}

func (c contender) refused(all []contender, taken map[types.UID]*corev1.Pod, admit admitCheck, infeasible resizeCheck) *status.Failure {
	if status.QOSClass(&c.wanted.Spec) != status.QOSClass(&c.allocated.Spec) {
		return &status.Failure{Reason: corev1.PodReasonInfeasible, Message: qosChanged}
	}
	if infeasible != nil {
		if why := infeasible(c.wanted, c.allocated); why != "" {
			return &status.Failure{Reason: corev1.PodReasonInfeasible, Message: why}
		}
	}
	if admit == nil {
		return nil
	}
	var others []*corev1.Pod
	for _, other := range all {
		if other.wanted.UID != c.wanted.UID {
			others = append(others, taken[other.wanted.UID])
		}
	}
	if refused := admit(c.wanted, others); refused != nil {
		return &status.Failure{Reason: corev1.PodReasonDeferred, Message: refused.Message}
	}
	return nil
}

// inOrder is the kubelet's order of pending resizes: those first that ask for no more than they have, then by priority, by class, and
// by how long they have been pending.
func inOrder(a, b contender) int {
	return cmp.Or(
		falseFirst(a.increases(), b.increases()),
		cmp.Compare(priority(b.wanted), priority(a.wanted)),
		falseFirst(status.QOSClass(&a.wanted.Spec) != corev1.PodQOSGuaranteed, status.QOSClass(&b.wanted.Spec) != corev1.PodQOSGuaranteed),
		a.pendingSince().Compare(b.pendingSince()),
		cmp.Compare(a.wanted.UID, b.wanted.UID),
	)
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// increases says whether the pod asks for more CPU or memory than it was allocated.
func (c contender) increases() bool {
	before := podresources.PodRequests(c.allocated, podresources.PodResourcesOptions{})
	after := podresources.PodRequests(c.wanted, podresources.PodResourcesOptions{})
	return after.Memory().Cmp(*before.Memory()) > 0 || after.Cpu().Cmp(*before.Cpu()) > 0
}

// pendingSince is when the pod was first said to be pending; one of which that was not said yet comes last.
func (c contender) pendingSince() time.Time {
	for i := range c.allocated.Status.Conditions {
		if condition := &c.allocated.Status.Conditions[i]; condition.Type == corev1.PodResizePending {
			return condition.LastTransitionTime.Time
		}
	}
	return time.Unix(1<<60, 0)
}

func priority(pod *corev1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}
