package plan

import (
	"context"
	"time"

	"github.com/orrery-dev/orrery/framework/naming"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// evictAgain is when to try again to evict a pod whose disruption budget is used up, where the server does not say. It is
// what kubectl drain waits.
const evictAgain = 5 * time.Second

// Evict evicts pods side by side, each if it is still the observed one and its PodDisruptionBudget allows it. A pod that is
// gone, or has been replaced by another of its name, is success. One that its budget protects is no failure of the pass: the
// loop looks again when the server says, or in 5 s; the other pods are evicted all the same.
//
// It takes the right to create pods/eviction and, where pods are custom resources, to get and delete pods, to patch pods/status
// and poddisruptionbudgets/status, and to list poddisruptionbudgets.
type Evict struct {
	pods  []client.Object
	grace *int64
	why   string
	hooks hooks
}

// Evict adds a step that evicts pods; with none it adds nothing. See [Evict].
func (p *Plan) Evict(why string, pods ...client.Object) *Evict {
	step := &Evict{pods: pods, why: why}
	if len(pods) > 0 {
		p.Do(step)
	}
	return step
}

// EvictAll is [Plan.Evict] for a slice.
func EvictAll[T client.Object](p *Plan, why string, pods []T) *Evict {
	return p.Evict(why, objects(pods)...)
}

// GracePeriod is how many seconds the pods may take to end, in the place of what they say.
func (s *Evict) GracePeriod(seconds int64) *Evict {
	s.grace = &seconds
	return s
}

// Succeeded records an event for each pod that was evicted.
func (s *Evict) Succeeded(event func(evicted client.Object) Event) *Evict {
	s.hooks.succeeded = event
	return s
}

// Failed records an event for each pod that could not be evicted: because of its budget, which apierrors.IsTooManyRequests
// recognises, or for another reason. A conflict is no failure.
func (s *Evict) Failed(event func(pod client.Object, err error) Event) *Evict {
	s.hooks.failed = event
	return s
}

// Objects are the pods that are to be evicted. They must not be changed.
func (s *Evict) Objects() []client.Object { return s.pods }

// Verb is "evict".
func (s *Evict) Verb() string { return "evict" }

// Why is the reason that was given.
func (s *Evict) Why() string { return s.why }

func (s *Evict) String() string { return "evict " + describe(s.pods) }

// Do evicts the pods.
func (s *Evict) Do(ctx context.Context, act Actor) error {
	eviction := naming.Eviction{Client: act, Live: act.Live(), Now: act.Now, GracePeriodSeconds: s.grace}
	return parallel(0, len(s.pods), act.SideBySide(), func(i int) error {
		pod := s.pods[i].DeepCopyObject().(client.Object)
		err := eviction.Evict(ctx, pod)
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) && replaced(ctx, act, pod) {
			return nil
		}
		s.hooks.record(act, pod, err)
		if apierrors.IsTooManyRequests(err) {
			return Wait(protected(err), err)
		}
		return err
	})
}

// protected is for how long a budget protects a pod at least.
func protected(err error) time.Duration {
	if seconds, said := apierrors.SuggestsClientDelay(err); said && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return evictAgain
}
