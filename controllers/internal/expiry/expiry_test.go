package expiry_test

import (
	"math"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/expiry"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
)

func TestOver(t *testing.T) {
	for _, tt := range []struct {
		name    string
		age     time.Duration
		seconds *int32
		over    bool
		plan    string
	}{
		{"what has no limit never ends", time.Hour, nil, false, "nothing to do"},
		{"a limit of none is over at once", 0, new(int32(0)), true, "nothing to do"},
		{"a limit that has passed is over", time.Hour, new(int32(60)), true, "nothing to do"},
		{"one that ends now is over", time.Minute, new(int32(60)), true, "nothing to do"},
		{"one that has not passed is looked at when it will have", 20 * time.Second, new(int32(60)), false,
			"nothing to do\nlook again in 40s: its time to live ends, 60 s after 03:03:45"},
		{"the longest limit does not overflow", time.Hour, new(int32(math.MaxInt32)), false,
			"nothing to do\nlook again in 596522h14m7s: its time to live ends, 2147483647 s after 02:04:05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.New()
			over := expiry.Over(p, gen.Now.Add(-tt.age), tt.seconds, gen.Now, "its time to live ends")
			if over != tt.over || p.String() != tt.plan {
				t.Errorf("it is over: %t, and the plan is %q; want %t and %q", over, p, tt.over, tt.plan)
			}
		})
	}
}

func TestALimitLongerThanTimeIsNotOver(t *testing.T) {
	if expiry.Over(plan.New(), gen.Ago(time.Hour).Time, new(int64(math.MaxInt64)), gen.Now, "its deadline passes") {
		t.Error("it is over")
	}
}
