package horizontalpodautoscaler

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// memory is what a plan leaves to later ones for its autoscaler: what is in no object. It is not changed once it is left.
type memory struct {
	// recommendations are how many replicas the metrics asked for of late.
	recommendations []recommendation
	// changes are by how much the target was scaled of late.
	changes []change
	// selector selects the pods of the target, for autoscalers that select them too; nil as long as it is not known.
	selector labels.Selector
}

type recommendation struct {
	replicas int32
	at       time.Time
}

// change is by how many replicas the target was scaled, which may be less than none.
type change struct {
	by int32
	at time.Time
}

// changed is by how much the target was scaled within a period.
func (m *memory) changed(period time.Duration, now time.Time) int32 {
	sum := int32(0)
	for _, change := range m.changes {
		if change.at.After(now.Add(-period)) {
			sum += change.by
		}
	}
	return sum
}

// orFirst is what is remembered. At first that is the number of replicas that there are, which counts as recommended: nobody knows what
// they were wanted for.
func (m *memory) orFirst(current int32, now time.Time) *memory {
	if m != nil {
		return m
	}
	return &memory{recommendations: []recommendation{{current, now}}}
}

// selecting is the memory with another selector.
func (m *memory) selecting(selector labels.Selector) *memory {
	next := *m
	next.selector = selector
	return &next
}

// recommended is the memory with one more recommendation.
func (m *memory) recommended(replicas int32, b bounds, now time.Time) *memory {
	since := now.Add(-b.window)
	if b.up != nil {
		since = now.Add(-max(b.up.window, b.down.window))
	}
	next := *m
	next.recommendations = remember(m.recommendations, recommendation{replicas, now}, func(r recommendation) bool { return r.at.Before(since) })
	return &next
}

// scaled is the memory with one more change. Without policies, by which it would count, it is not remembered.
func (m *memory) scaled(by int32, b bounds, now time.Time) *memory {
	if b.up == nil {
		return m
	}
	since := now.Add(-max(b.up.longest(), b.down.longest()))
	next := *m
	next.changes = remember(m.changes, change{by, now}, func(c change) bool { return c.at.Before(since) })
	return &next
}

// remember is a list with one more, in the place of one that counts no more if there is any. Others of that sort stay, so that they count
// when somebody makes a window longer.
func remember[T any](list []T, more T, old func(T) bool) []T {
	list = slices.Clone(list)
	for i, each := range slices.Backward(list) {
		if old(each) {
			list[i] = more
			return list
		}
	}
	return append(list, more)
}
