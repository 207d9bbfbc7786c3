package preemption

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Trial tries out whether a preemptor fits into a place without certain victims. It works on a copy of the place and is
// used by one goroutine, for one call of Select.
type Trial interface {
	// Clear takes all victims away, once and before anything else, and says whether the preemptor fits then.
	Clear(ctx context.Context, victims []*Victim) *fwk.Status
	// Reprieve puts one victim back and reports whether the preemptor fits all the same. Where it does not, the victim
	// is away again.
	Reprieve(ctx context.Context, victim *Victim) (bool, error)
}

// Selection is what has to go from one place.
type Selection struct {
	// Victims have the more important first.
	Victims []*Victim
	// Violations counts the pods among them that go although a PodDisruptionBudget protects them.
	Violations int
}

// Select returns as few and as unimportant of the victims as have to go. That the preemptor would not fit even without
// all of them is the status of the Trial; that the Trial broke is an Error.
func Select(ctx context.Context, trial Trial, victims []*Victim, budgets *Budgets) (*Selection, *fwk.Status) {
	if status := trial.Clear(ctx, victims); !status.IsSuccess() {
		return nil, status
	}
	victims = sorted(victims)
	violations := budgets.violations(victims)
	selection := &Selection{}
	for _, protected := range []bool{true, false} {
		for i, victim := range victims {
			if (violations[i] > 0) != protected {
				continue
			}
			stays, err := trial.Reprieve(ctx, victim)
			if err != nil {
				return nil, fwk.AsStatus(err)
			}
			if !stays {
				selection.Victims = append(selection.Victims, victim)
				selection.Violations += violations[i]
			}
		}
	}
	selection.Victims = sorted(selection.Victims)
	return selection, nil
}

// Pods returns the pods of all victims, in the order of the victims.
func (s *Selection) Pods() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, victim := range s.Victims {
		for _, pod := range victim.Pods {
			pods = append(pods, pod.GetPod())
		}
	}
	return pods
}

// Groups returns how many of the victims are groups or parts of one.
func (s *Selection) Groups() int {
	count := 0
	for _, victim := range s.Victims {
		if victim.Kind != fwk.PodKeyType {
			count++
		}
	}
	return count
}

// Candidate returns the selection as something to choose or to evict. place is the node, or another name for where
// the preemptor goes.
func (s *Selection) Candidate(place string) *Candidate {
	return &Candidate{Place: place, Pods: s.Pods(), Violations: int64(s.Violations), Groups: s.Groups()}
}
