package loop

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

const (
	// outburst is how many events of one reason a loop may record about one object at once, and breath how long it takes until it may
	// record another one. They are those of the recorder that kube-controller-manager has, which counts all reasons of a type together.
	outburst = 25
	breath   = 5 * time.Minute
	// topics is of how many it is known how much has been said about them.
	topics = 4096
)

// talk bounds how much a loop says about one object: a Job of ten thousand pods is not to be told of each of them. Each reason is counted
// by itself, so that an object which is refused the same thing again and again is told what else happens to it.
type talk struct {
	clock clock.PassiveClock
	about *lru.Cache // topic -> flowcontrol.PassiveRateLimiter
}

// topic is what the loop has so much to say about and no more.
type topic struct {
	regarding types.UID
	kind      plan.EventType
	reason    string
}

func newTalk(clock clock.PassiveClock) *talk { return &talk{clock, lru.New(topics)} }

// may reports that an event may be recorded, and counts it. Two who ask at once may be told so once too often.
func (t *talk) may(e plan.Event) bool {
	uid := e.Regarding.GetUID()
	if uid == "" {
		return true // nobody knows whether it is the same object
	}
	return t.limitOf(topic{uid, e.Type, e.Reason}).TryAccept()
}

func (t *talk) limitOf(about topic) flowcontrol.PassiveRateLimiter {
	if known, ok := t.about.Get(about); ok {
		return known.(flowcontrol.PassiveRateLimiter)
	}
	limit := flowcontrol.NewTokenBucketPassiveRateLimiterWithClock(float32(1/breath.Seconds()), outburst, t.clock)
	t.about.Add(about, limit)
	return limit
}
