package await

import (
	"strconv"
	"testing"
	"time"
)

func TestItLooksUntilTheWorldIsAsWanted(t *testing.T) {
	looks := 0
	seen, ok := until(t, Deadline, func() (string, bool) {
		looks++
		return strconv.Itoa(looks), looks == 3
	})
	if !ok || seen != "3" {
		t.Errorf("ended with %q, %t after %d looks, want the third to be content", seen, ok, looks)
	}
}

func TestWhatIsSoAtOnceIsNotWaitedFor(t *testing.T) {
	if _, ok := until(t, 0, func() (string, bool) { return "", true }); !ok {
		t.Error("it did not look before the deadline")
	}
}

func TestAtTheDeadlineItTellsWhatItSawLast(t *testing.T) {
	looks := 0
	seen, ok := until(t, 8*soon, func() (string, bool) {
		looks++
		return strconv.Itoa(looks), false
	})
	if ok || seen != strconv.Itoa(looks) || looks < 2 {
		t.Errorf("ended with %q, %t after %d looks, want the last of several", seen, ok, looks)
	}
}

func TestItStillWaitsWhileTheTestCleansUp(t *testing.T) {
	t.Cleanup(func() { // the test's own context has ended by now
		looks := 0
		if _, ok := until(t, time.Minute, func() (string, bool) { looks++; return "", looks == 2 }); !ok {
			t.Errorf("gave up after %d looks", looks)
		}
	})
}
