package expiry

import (
	"fmt"
	"math"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
)

// Over reports that what began at since has lasted for as many seconds as it may; nil means that it may for ever. Where it has not
// and may not for ever, it plans to look again when it will have, and why says what ends then.
func Over[Seconds int32 | int64](p *plan.Plan, since time.Time, seconds *Seconds, now time.Time, why string) bool {
	if seconds == nil {
		return false
	}
	limit := time.Duration(min(int64(*seconds), int64(math.MaxInt64/time.Second))) * time.Second
	left := limit - now.Sub(since)
	if left <= 0 {
		return true
	}
	p.After(left, fmt.Sprintf("%s, %d s after %s", why, *seconds, since.UTC().Format(time.TimeOnly)))
	return false
}
