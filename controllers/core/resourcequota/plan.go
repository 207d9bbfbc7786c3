package resourcequota

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

const (
	// recount is how often everything is counted anew: what the admission has charged for an object that was then refused is given
	// back by that.
	recount = 5 * time.Minute
	// again is when a kind that could not be counted is looked for again.
	again = 30 * time.Second
)

// Plan says what is in use.
func (Controller) Plan(quota *corev1.ResourceQuota, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.putOff > 0 {
		p.After(w.putOff, "what has been charged last may not be seen before")
		return p
	}
	if used := used(quota, w, now); !same(quota.Status.Hard, quota.Spec.Hard) || !same(quota.Status.Used, used) {
		counted := quota.DeepCopy()
		counted.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard.DeepCopy(), Used: used}
		p.Status(quota, counted)
	}
	p.After(recount, "everything is counted anew then")
	if len(w.uncounted) > 0 {
		p.After(again, w.reasons())
	}
	if len(w.failed) > 0 {
		p.Do(&fail{quota: quota, err: errors.Join(w.failed...)})
	}
	if overdue, some := w.nextOverdue(now); some {
		p.After(overdue, "a pod is not charged for what it held any more then")
	}
	return p
}

// reasons are why resources could not be counted.
func (w world) reasons() string {
	var reasons []string
	for resource, why := range w.uncounted {
		reasons = append(reasons, fmt.Sprintf("%s cannot be counted: %s", resource, why))
	}
	slices.Sort(reasons)
	return strings.Join(reasons, "; ")
}

// nextOverdue is when the next pod that is being deleted should be long gone.
func (w world) nextOverdue(now time.Time) (next time.Duration, some bool) {
	for i := range w.pods {
		at, deleted := overdueAt(&w.pods[i])
		// One that is overdue at this moment is so a moment later.
		if left := at.Sub(now) + time.Millisecond; deleted && left > 0 && (!some || left < next) {
			next, some = left, true
		}
	}
	return next, some
}

// used is what is in use of each resource that a quota limits, or what was said last of one that could not be counted.
func used(quota *corev1.ResourceQuota, w world, now time.Time) corev1.ResourceList {
	charged := charge(quota, w, now)
	used := corev1.ResourceList{}
	for name := range quota.Spec.Hard {
		last, said := quota.Status.Used[name]
		resource, known := chargedTo(name)
		_, uncounted := w.uncounted[resource]
		switch total, some := charged[name]; {
		case !known || uncounted:
			if said {
				used[name] = last
			}
		case !some:
			used[name] = number(0)
		default:
			used[name] = total
		}
	}
	return used
}

// charge is what everything that matches the scopes of a quota is charged for together.
func charge(quota *corev1.ResourceQuota, w world, now time.Time) corev1.ResourceList {
	scopes := scopesOf(quota)
	sum := corev1.ResourceList{}
	for i := range w.pods {
		pod := &w.pods[i]
		if matchesAll(scopes, func(scope corev1.ScopedResourceSelectorRequirement) bool { return podMatches(pod, scope) }) {
			add(sum, podUsage(pod, now))
		}
	}
	for i := range w.claims {
		claim := &w.claims[i]
		if matchesAll(scopes, func(scope corev1.ScopedResourceSelectorRequirement) bool { return claimMatches(claim, scope) }) {
			add(sum, claimUsage(claim))
		}
	}
	if len(scopes) > 0 {
		return sum
	}
	for i := range w.services {
		add(sum, serviceUsage(&w.services[i]))
	}
	for resource, n := range w.objects {
		for _, name := range countOf(resource) {
			sum[name] = number(n)
		}
	}
	return sum
}
