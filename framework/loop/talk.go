package loop

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// outburst is how many events a loop may record about one object at once, and breath how long it takes until it may record
	// another one. They are those of the recorder that kube-controller-manager has.
	outburst = 25
	breath   = 5 * time.Minute
	// listeners is of how many objects it is known how much has been said about them.
	listeners = 4096
)

// talk bounds how much a loop says about one object: a Job of ten thousand pods is not to be told of each of them.
type talk struct {
	clock clock.PassiveClock
	about *lru.Cache // types.UID -> flowcontrol.PassiveRateLimiter
}

func newTalk(clock clock.PassiveClock) *talk { return &talk{clock, lru.New(listeners)} }

// may reports that something may be said about an object, and counts that. Two who ask at once may be told so once too often.
func (t *talk) may(regarding client.Object) bool {
	uid := regarding.GetUID()
	if uid == "" {
		return true // nobody knows whether it is the same
	}
	return t.limitOf(uid).TryAccept()
}

func (t *talk) limitOf(uid types.UID) flowcontrol.PassiveRateLimiter {
	if known, ok := t.about.Get(uid); ok {
		return known.(flowcontrol.PassiveRateLimiter)
	}
	limit := flowcontrol.NewTokenBucketPassiveRateLimiterWithClock(float32(1/breath.Seconds()), outburst, t.clock)
	t.about.Add(uid, limit)
	return limit
}
