package apicalls

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler/status"
)

// PodStatuses writes into the status of pods.
type PodStatuses struct {
	cached Cached
	client client.Client
	writer *status.Writer
}

// NewPodStatuses returns a PodStatuses. What is reported is written once it runs.
func NewPodStatuses(cached Cached, c client.Client) *PodStatuses {
	p := &PodStatuses{cached: cached, client: c}
	p.writer = status.NewWriter(p.write)
	return p
}

// Run writes what is reported until ctx ends.
func (p *PodStatuses) Run(ctx context.Context) { p.writer.Run(ctx) }

// Report sets a condition and the nominated node in a pod's status, soon: it does not wait for the API server, and what
// goes wrong there is logged. The error is always nil.
func (p *PodStatuses) Report(_ context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	if nominating.Mode() != fwk.ModeOverride {
		nominating = nil
	}
	if condition != nil || nominating != nil {
		p.writer.Report(pod, condition, nominating)
	}
	return nil
}

// Flush waits until all that was reported of a pod is written.
func (p *PodStatuses) Flush(pod types.UID) { p.writer.Flush(pod) }

// write writes what differs from what is there: from what the cache shows, or, if somebody else has written since, from what the API
// server has, where nothing is said of a pod that got its node meanwhile.
func (p *PodStatuses) write(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	current := pod
	if cached := p.cached.Pod(pod.Namespace, pod.Name); cached != nil && cached.UID == pod.UID {
		current = cached
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		old := current
		if old == nil {
			fresh, err := readAgain(ctx, p.client, pod)
			if err != nil || fresh.Spec.NodeName != "" {
				return err
			}
			old = fresh
		}
		current = nil
		changed := old.DeepCopy()
		differs := condition != nil && setCondition(&changed.Status, *condition)
		if nominating != nil && changed.Status.NominatedNodeName != nominating.NominatedNodeName {
			changed.Status.NominatedNodeName = nominating.NominatedNodeName
			differs = true
		}
		if !differs {
			return nil
		}
		return naming.PatchStatus(ctx, p.client, (*ocorev1.Pod)(old), (*ocorev1.Pod)(changed))
	})
}

// Change makes a change to a pod's status, again and to the newest version of the pod if somebody else was faster. It
// waits until what was reported of the pod before is written.
func (p *PodStatuses) Change(ctx context.Context, pod *corev1.Pod, change func(*corev1.PodStatus)) error {
	p.Flush(pod.UID)
	current := pod
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if current == nil {
			fresh, err := readAgain(ctx, p.client, pod)
			if err != nil {
				return err
			}
			current = fresh
		}
		old := current
		changed := old.DeepCopy()
		change(&changed.Status)
		current = nil
		return naming.PatchStatus(ctx, p.client, (*ocorev1.Pod)(old), (*ocorev1.Pod)(changed))
	})
}
