package conditions

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Of is where the parts of a condition C are that every type of condition has. K is the type of its kinds, as in
//
//	var ofDeployment conditions.Of[appsv1.DeploymentCondition, appsv1.DeploymentConditionType] = func(c *appsv1.DeploymentCondition) (...) {
//		return c.Type, string(c.Status), &c.LastTransitionTime
//	}
type Of[C any, K ~string] func(*C) (kind K, status string, changed *metav1.Time)

// Meta is where they are in a metav1.Condition.
var Meta Of[metav1.Condition, string] = func(c *metav1.Condition) (string, string, *metav1.Time) {
	return c.Type, string(c.Status), &c.LastTransitionTime
}

// Find is a copy of the condition of a kind, and whether there is one.
func (of Of[C, K]) Find(list []C, kind K) (C, bool) {
	if i := of.index(list, kind); i >= 0 {
		return list[i], true
	}
	var none C
	return none, false
}

// True reports that there is a condition of a kind, and that it is True.
func (of Of[C, K]) True(list []C, kind K) bool {
	i := of.index(list, kind)
	if i < 0 {
		return false
	}
	_, status, _ := of(&list[i])
	return status == string(metav1.ConditionTrue)
}

// index is where in a list the condition of a kind is; -1 says nowhere. It is asked for each pod of each pass, so it looks at
// conditions where they are: the address of a copy would have every copy allocated.
func (of Of[C, K]) index(list []C, kind K) int {
	for i := range list {
		if k, _, _ := of(&list[i]); k == kind {
			return i
		}
	}
	return -1
}

// Set is list with wanted in the place of the condition of its kind, or behind the others. Where the status is new, it
// changed now; else when it did before. A time that wanted brings along does not count.
func (of Of[C, K]) Set(list []C, wanted C, now time.Time) []C {
	kind, status, changed := of(&wanted)
	*changed = metav1.NewTime(now)
	list = slices.Clone(list)
	for i := range list {
		k, before, since := of(&list[i])
		if k != kind {
			continue
		}
		if before == status {
			*changed = *since
		}
		list[i] = wanted
		return list
	}
	return append(list, wanted)
}

// Remove is list without the condition of a kind.
func (of Of[C, K]) Remove(list []C, kind K) []C {
	return slices.DeleteFunc(slices.Clone(list), func(c C) bool {
		k, _, _ := of(&c)
		return k == kind
	})
}
