package resourcemetrics

import (
	"testing"
	"time"
)

var epoch = time.Unix(1_700_000_000, 0)

// after is a point so many seconds after the epoch.
func after(seconds int, cpu, memory uint64) Point {
	return Point{Start: epoch, Time: epoch.Add(time.Duration(seconds) * time.Second), CPU: cpu, Memory: memory}
}

func TestUsageIsTheDifferenceOfTwoPoints(t *testing.T) {
	usage, ok := between(after(10, 1e9, 1), after(20, 3.5e9, 64<<20))
	if !ok {
		t.Fatal("nothing is known")
	}
	cpu, memory := usage.Resources.Cpu(), usage.Resources.Memory()
	if cpu.String() != "250m" || memory.String() != "64Mi" || usage.Window != 10*time.Second || !usage.Time.Equal(epoch.Add(20*time.Second)) {
		t.Errorf("uses %s and %s in %s until %s", cpu, memory, usage.Window, usage.Time)
	}
	odd, _ := between(after(0, 0, 0), after(3, 1_000_000, 1_000_001))
	if got := odd.Resources.Cpu().String() + " " + odd.Resources.Memory().String(); got != "333333n 1000001" {
		t.Errorf("uses %s, want nanocores and bytes that are not rounded", got)
	}
}

func TestPointsThatDoNotFollowEachOtherSayNothing(t *testing.T) {
	restarted := after(20, 5, 1)
	restarted.Start = epoch.Add(-time.Hour)
	for name, points := range map[string][2]Point{
		"of one time":            {after(10, 1, 1), after(10, 2, 1)},
		"in the wrong order":     {after(20, 1, 1), after(10, 2, 1)},
		"whose CPU became less":  {after(10, 9, 1), after(20, 2, 1)},
		"whose start is earlier": {after(10, 1, 1), restarted},
	} {
		if usage, ok := between(points[0], points[1]); ok {
			t.Errorf("points %s: %+v", name, usage)
		}
	}
}

func TestWhatAPointIsComparedWith(t *testing.T) {
	const resolution = 15 * time.Second
	at := func(p Point) *Point { return &p }
	started := func(p Point, ago time.Duration) Point {
		p.Start = p.Time.Add(-ago)
		return p
	}
	for _, c := range []struct {
		name         string
		newest       Point
		last, before *Point
		want         *Point
	}{
		{"nothing, when it is the first", after(100, 1, 1), nil, nil, nil},
		{"the last", after(100, 3, 1), at(after(85, 2, 1)), at(after(70, 1, 1)), at(after(85, 2, 1))},
		{"the one before the last, when the last is told again", after(85, 2, 1), at(after(85, 2, 1)), at(after(70, 1, 1)), at(after(70, 1, 1))},
		{"nothing, when the first is told again", after(85, 2, 1), at(after(85, 2, 1)), nil, nil},
		{"nothing, when it is older than both", after(60, 2, 1), at(after(85, 2, 1)), at(after(70, 1, 1)), nil},
		{"nothing, when it was started anew since", started(after(100, 1, 1), 5*time.Second), at(after(85, 2, 1)), nil, nil},
		{"its start, when it has just run long enough", started(after(100, 1, 1), 12*time.Second), at(after(85, 2, 1)), nil, at(Point{
			Start: epoch.Add(88 * time.Second), Time: epoch.Add(88 * time.Second),
		})},
		{"the last, when its start is not told", Point{Time: epoch.Add(time.Minute)}, at(Point{Time: epoch}), nil, at(Point{Time: epoch})},
	} {
		got, ok := preceding(c.newest, c.last, c.before, resolution)
		if ok != (c.want != nil) || ok && got != *c.want {
			t.Errorf("%s: got %+v (%v), want %+v", c.name, got, ok, c.want)
		}
	}
}
