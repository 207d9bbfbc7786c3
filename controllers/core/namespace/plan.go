package namespace

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// firstLook is how soon a deletion that has just begun is looked after.
	firstLook = 100 * time.Millisecond
	// finalizing is how long finalizers are expected to take.
	finalizing = 15 * time.Second
	// troubled is the longest wait after something went wrong.
	troubled = time.Minute
)

// Plan deletes what is left, says what that is, and lets the namespace go when nothing is.
func (c Controller) Plan(namespace *corev1.Namespace, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if !emptying(namespace) {
		return p
	}
	p.Remember(func(error) any { return w.emptied })
	if undeleted := w.undeleted(); len(undeleted) > 0 {
		p.Do(&empty{namespace: namespace.Name, contents: undeleted})
	}
	p.StatusAfter(namespace, func(failed error) client.Object {
		return status(namespace, w, failed, now)
	})
	age := now.Sub(namespace.DeletionTimestamp.Time)
	switch {
	case w.discovery != nil:
		p.After(between(firstLook, age/2, troubled), "some groups of the API server may answer then")
	case w.unlisted():
		p.After(between(firstLook, age/2, troubled), "some kinds may be listed again then")
	case len(w.contents) > 0:
		p.After(between(firstLook, age/2, w.estimate()/2+time.Second), "what is left may be gone then")
	case age < c.DeletionGracePeriod:
		p.After(c.DeletionGracePeriod-age, "every API server knows of the deletion then")
	default:
		p.Do(&finalize{namespace: namespace})
	}
	return p
}

// between is d, but not below least nor above most.
func between(least, d, most time.Duration) time.Duration { return min(max(d, least), most) }

// undeleted are the objects that nobody has deleted yet.
func (w world) undeleted() []content {
	var undeleted []content
	for _, content := range w.contents {
		rest := content
		rest.objects = nil
		for _, obj := range content.objects {
			if obj.DeletionTimestamp == nil {
				rest.objects = append(rest.objects, obj)
			}
		}
		if len(rest.objects) > 0 {
			undeleted = append(undeleted, rest)
		}
	}
	return undeleted
}

// unlisted reports that a kind could not be listed.
func (w world) unlisted() bool {
	for _, content := range w.contents {
		if content.err != nil {
			return true
		}
	}
	return false
}

// estimate is how long the slowest object may take from when it was deleted, as far as objects tell.
func (w world) estimate() time.Duration {
	var slowest time.Duration
	for _, content := range w.contents {
		for _, obj := range content.objects {
			if len(obj.Finalizers) > 0 {
				slowest = max(slowest, finalizing)
			}
			if grace := obj.DeletionGracePeriodSeconds; grace != nil {
				slowest = max(slowest, time.Duration(*grace)*time.Second)
			}
		}
	}
	return slowest
}
