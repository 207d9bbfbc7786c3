package cronschedule_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/cronschedule"
	"pgregory.net/rapid"
)

func at(t testing.TB, moment string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func show(moment time.Time) string {
	if moment.IsZero() {
		return "none"
	}
	return moment.UTC().Format(time.RFC3339)
}

func TestDue(t *testing.T) {
	const friday = "2026-01-02T09:00:00Z"
	minute, ever := int64(60), int64(math.MaxInt64)
	for _, tt := range []struct {
		name, schedule, zone string
		served, now          string
		deadline             *int64
		last                 string
		missed               int
		next                 string
	}{
		{name: "nothing is due before the first time", schedule: "0 * * * *", served: friday, now: "2026-01-02T09:59:59Z",
			last: "none", next: "2026-01-02T10:00:00Z"},
		{name: "a time is due when it comes", schedule: "0 * * * *", served: friday, now: "2026-01-02T10:00:00Z",
			last: "2026-01-02T10:00:00Z", missed: 1, next: "2026-01-02T11:00:00Z"},
		{name: "a time that was served is not due again", schedule: "0 * * * *", served: "2026-01-02T10:00:00Z", now: "2026-01-02T10:00:01Z",
			last: "none", next: "2026-01-02T11:00:00Z"},
		{name: "of several that were missed the latest is due", schedule: "0 * * * *", served: friday, now: "2026-01-02T12:30:00Z",
			last: "2026-01-02T12:00:00Z", missed: 3, next: "2026-01-02T13:00:00Z"},
		{name: "a pause of years counts to a hundred and one", schedule: "* * * * *", served: friday, now: "2036-01-02T09:00:30Z",
			last: "2036-01-02T09:00:00Z", missed: 101, next: "2036-01-02T09:01:00Z"},
		{name: "what is past its deadline is not due", schedule: "0 * * * *", served: friday, now: "2026-01-02T10:01:00Z", deadline: &minute,
			last: "none", next: "2026-01-02T11:00:00Z"},
		{name: "what is just within its deadline is", schedule: "0 * * * *", served: friday, now: "2026-01-02T10:00:59Z", deadline: &minute,
			last: "2026-01-02T10:00:00Z", missed: 1, next: "2026-01-02T11:00:00Z"},
		{name: "what was missed before the deadline does not count", schedule: "* * * * *", served: friday, now: "2026-01-02T12:00:30Z", deadline: &minute,
			last: "2026-01-02T12:00:00Z", missed: 1, next: "2026-01-02T12:01:00Z"},
		{name: "a deadline can be longer than time", schedule: "0 * * * *", served: friday, now: "2026-01-02T10:01:00Z", deadline: &ever,
			last: "2026-01-02T10:00:00Z", missed: 1, next: "2026-01-02T11:00:00Z"},
		{name: "a schedule with gaps", schedule: "30 6-16/4 * * 1-5", served: friday, now: "2026-01-05T08:00:00Z",
			last: "2026-01-05T06:30:00Z", missed: 3, next: "2026-01-05T10:30:00Z"},
		{name: "an interval goes on from what was served", schedule: "@every 50m", served: "2026-01-02T09:10:00Z", now: "2026-01-02T11:00:00Z",
			last: "2026-01-02T10:50:00Z", missed: 2, next: "2026-01-02T11:40:00Z"},
		{name: "an interval is due within its deadline", schedule: "@every 50m", served: "2026-01-02T09:10:00Z", now: "2026-01-02T10:00:30Z", deadline: &minute,
			last: "2026-01-02T10:00:00Z", missed: 1, next: "2026-01-02T10:50:00Z"},
		{name: "an interval that has not passed is not due", schedule: "@every 50m", served: friday, now: "2026-01-02T09:49:00Z",
			last: "none", next: "2026-01-02T09:50:00Z"},
		{name: "a day that never comes is never due", schedule: "59 23 31 2 *", served: friday, now: "2036-01-02T09:00:00Z", last: "none", next: "none"},
		{name: "a clock that went back makes nothing due", schedule: "0 * * * *", served: friday, now: "2025-01-02T09:00:00Z",
			last: "none", next: "2025-01-02T10:00:00Z"},
		{name: "a time zone has its own hours", schedule: "0 12 * * *", zone: "Asia/Tokyo", served: friday, now: "2026-01-03T03:00:00Z",
			last: "2026-01-03T03:00:00Z", missed: 1, next: "2026-01-04T03:00:00Z"},
		{name: "an hour that is left out has no times", schedule: "30 2 * * *", zone: "America/New_York", served: "2026-03-07T12:00:00Z", now: "2026-03-08T12:00:00Z",
			last: "none", next: "2026-03-09T06:30:00Z"},
		{name: "an hour that comes twice has its times twice", schedule: "30 1 * * *", zone: "America/New_York", served: "2026-10-31T12:00:00Z", now: "2026-11-01T12:00:00Z",
			last: "2026-11-01T06:30:00Z", missed: 2, next: "2026-11-02T06:30:00Z"},
		{name: "a schedule that names its own time zone keeps it", schedule: "TZ=Asia/Tokyo 0 12 * * *", zone: "UTC", served: friday, now: "2026-01-03T03:00:00Z",
			last: "2026-01-03T03:00:00Z", missed: 1, next: "2026-01-04T03:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var zone *string
			if tt.zone != "" {
				zone = &tt.zone
			}
			schedule, err := cronschedule.Parse(tt.schedule, zone)
			if err != nil {
				t.Fatal(err)
			}
			due := schedule.Due(at(t, tt.served), tt.deadline, at(t, tt.now))
			if show(due.Last) != tt.last || due.Missed != tt.missed || show(due.Next) != tt.next {
				t.Errorf("due is %s after %d missed, and next %s; want %s, %d, %s", show(due.Last), due.Missed, show(due.Next), tt.last, tt.missed, tt.next)
			}
		})
	}
}

func TestParseRefusesWhatMakesNoSense(t *testing.T) {
	unknown := "Atlantis/Center"
	if _, err := cronschedule.Parse("* * * * *", &unknown); !errors.Is(err, cronschedule.ErrUnknownTimeZone) {
		t.Errorf("an unknown time zone ends with %v", err)
	}
	for _, schedule := range []string{"", "* * * *", "61 * * * *", "TZ=UTC", "CRON_TZ=Nowhere * * * * *", "@fortnightly"} {
		if _, err := cronschedule.Parse(schedule, nil); err == nil {
			t.Errorf("the schedule %q makes sense", schedule)
		}
	}
}

// TestTheLatestTimeIsFoundAsByWalking compares with walking through the schedule time by time.
func TestTheLatestTimeIsFoundAsByWalking(t *testing.T) {
	schedules := []string{"*/7 * * * *", "0 */5 * * *", "30 6-16/4 * * 1-5", "0 0 1 * *", "15 3 29 2 *", "@hourly", "@every 37m", "@every 1h"}
	begin := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"UTC", "America/New_York", "Australia/Lord_Howe"}).Draw(t, "zone")
		schedule, err := cronschedule.Parse(rapid.SampledFrom(schedules).Draw(t, "schedule"), &zone)
		if err != nil {
			t.Fatal(err)
		}
		served := begin.Add(time.Duration(rapid.IntRange(0, 400*24*3600).Draw(t, "served")) * time.Second)
		now := served.Add(time.Duration(rapid.IntRange(0, 40*24*3600).Draw(t, "passed")) * time.Second)
		var last time.Time
		missed := 0
		for next := schedule.Due(served, nil, served).Next; !next.IsZero() && !next.After(now); next = schedule.Due(next, nil, next).Next {
			last = next
			missed++
		}
		if due := schedule.Due(served, nil, now); !due.Last.Equal(last) || due.Missed != min(missed, cronschedule.Many+1) {
			t.Fatalf("between %s and %s the last is %s and %d were missed, want %s and %d", served, now, due.Last, due.Missed, last, missed)
		}
	})
}
