package envtest

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

func TestAClockFiresWhatIsDue(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(c *Clock, fired func(string) func())
		next time.Duration // from noon; 0 for none within an hour
		want []string      // when the clock is moved by an hour at once
	}{
		{"nothing where nobody waits", func(*Clock, func(string) func()) {}, 0, nil},
		{"the earliest first to be moved to", func(c *Clock, fired func(string) func()) {
			c.AfterFunc(time.Minute, fired("a"))
			c.AfterFunc(time.Second, fired("b"))
		}, time.Second, []string{"a", "b"}},
		{"nothing that was stopped", func(c *Clock, fired func(string) func()) {
			if timer := c.AfterFunc(time.Minute, fired("a")); !timer.Stop() || timer.Stop() {
				fired("it was not stopped once")()
			}
		}, 0, nil},
		{"what was reset at its new time", func(c *Clock, fired func(string) func()) {
			c.AfterFunc(2*time.Hour, fired("a")).Reset(time.Minute)
		}, time.Minute, []string{"a"}},
		{"nothing that is due later", func(c *Clock, fired func(string) func()) {
			c.AfterFunc(time.Hour+1, fired("a"))
		}, 0, nil},
		{"no ticker to be moved to", func(c *Clock, _ func(string) func()) { c.NewTicker(time.Second) }, 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewClock(noon)
			var got []string
			test.set(c, func(name string) func() { return func() { got = append(got, name) } })
			at, some := c.next(noon.Add(time.Hour))
			if wanted := noon.Add(test.next); some != (test.next > 0) || some && !at.Equal(wanted) {
				t.Errorf("something is due: %t, at %s; want %s", some, at, wanted)
			}
			c.moveTo(noon.Add(time.Hour))
			if slices.Sort(got); !slices.Equal(got, test.want) {
				t.Errorf("fired are %v, want %v", got, test.want)
			}
			if now := c.Now(); !now.Equal(noon.Add(time.Hour)) {
				t.Errorf("it shows %s", now)
			}
		})
	}
}

func TestATickerTicksOnceForEachTimeThatItIsMovedTo(t *testing.T) {
	c := NewClock(noon)
	ticker := c.NewTicker(time.Second)
	defer ticker.Stop()
	for _, move := range []time.Duration{time.Second, time.Hour, time.Hour + time.Second} {
		c.moveTo(noon.Add(move))
		select {
		case at := <-ticker.C():
			if !at.Equal(noon.Add(move)) {
				t.Errorf("it ticked at %s, want %s", at, move)
			}
		default:
			t.Errorf("it has not ticked at %s", move)
		}
		select {
		case <-ticker.C():
			t.Errorf("it has ticked twice at %s", move)
		default:
		}
	}
}

func TestWhatIsDueAtOnceFiresAtOnce(t *testing.T) {
	c := NewClock(noon)
	if at := <-c.After(0); !at.Equal(noon) {
		t.Errorf("it fired at %s", at)
	}
	called := make(chan struct{})
	c.AfterFunc(-time.Second, func() { close(called) })
	<-called
}

func TestKindOfWhatIsStored(t *testing.T) {
	for name, test := range map[string]struct {
		value string
		want  string
	}{
		"a custom resource":               {`{"kind":"Planet","apiVersion":"example.org/v1","metadata":{}}`, "Planet.example.org"},
		"a Pod":                           {"k8s\x00\n\t\n\x02v1\x12\x03Pod\x12\x00", "Pod"},
		"a counter of etcd's":             {"17", ""},
		"a message that has been cut off": {"k8s\x00\n\x7f", ""},
		"an object without a kind":        {"{}", ""},
	} {
		kind, ok := kindOf([]byte(test.value))
		if ok != (test.want != "") || ok && kind.String() != test.want {
			t.Errorf("%s is %q (%t), want %q", name, kind, ok, test.want)
		}
	}
}
