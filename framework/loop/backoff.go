package loop

import (
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// firstBackOff is how long a key rests in a manager whose pass failed; the rest doubles with every failure in a row. It is
	// controller-runtime's and kube-controller-manager's.
	firstBackOff = 5 * time.Millisecond
	// longestBackOff bounds that rest. Theirs grows to 1000 s: who mends a fault that lasted for some minutes would then wait a
	// quarter of an hour for what it held up. A minute is what the Job controller takes; a key that fails for ever costs a pass a
	// minute.
	longestBackOff = time.Minute
)

// backOff is how long the keys of one loop rest after failures. A pass that does not fail, and one that says itself when to look
// again, ends the row.
func backOff() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstBackOff, longestBackOff)
}
