package cronschedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a machine or image need not have the time zones that users name

	"github.com/robfig/cron/v3"
)

// ErrUnknownTimeZone is in the error of Parse for a time zone that nobody knows.
var ErrUnknownTimeZone = errors.New("unknown time zone")

// Schedule says at which times something is due.
type Schedule struct{ times cron.Schedule }

// Parse reads a schedule of five fields, or one such as "@daily" and "@every 1h", in a time zone such as "Europe/Berlin". Without
// a time zone it is in that of the times that it is asked about. A schedule that names a time zone itself, as "TZ=UTC 0 * * * *",
// keeps that.
func Parse(schedule string, timeZone *string) (Schedule, error) {
	if strings.Contains(schedule, "TZ") {
		if !strings.Contains(schedule, " ") {
			return Schedule{}, fmt.Errorf("reading the schedule %q: it is nothing but a time zone", schedule)
		}
		return parse(schedule)
	}
	if timeZone == nil {
		return parse(schedule)
	}
	if _, err := time.LoadLocation(*timeZone); err != nil {
		return Schedule{}, fmt.Errorf("reading the schedule %q: %w %q: %w", schedule, ErrUnknownTimeZone, *timeZone, err)
	}
	return parse("TZ=" + *timeZone + " " + schedule)
}

func parse(schedule string) (Schedule, error) {
	times, err := cron.ParseStandard(schedule)
	if err != nil {
		return Schedule{}, fmt.Errorf("reading the schedule %q: %w", schedule, err)
	}
	return Schedule{times}, nil
}
