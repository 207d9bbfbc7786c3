package memory

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/await"
)

// burst is what a test has in use for a while.
var burst [][]byte

func TestTheLimitFollowsWhatIsInUse(t *testing.T) {
	go Follow(t.Context())
	const most = 64 << 20
	limitIs := func(what string, right func(limit int64) bool) {
		t.Helper()
		await.Until(t, what, func() (string, bool) {
			limit := debug.SetMemoryLimit(-1)
			return fmt.Sprintf("a limit of %d MiB", limit>>20), right(limit)
		})
	}
	limitIs("a low limit at rest", func(limit int64) bool { return limit < most })

	for range 200 {
		burst = append(burst, make([]byte, 1<<20))
	}
	runtime.GC()
	limitIs("a limit above what is in use", func(limit int64) bool { return limit > 200<<20 })

	burst = nil
	runtime.GC()
	limitIs("a low limit after the burst", func(limit int64) bool { return limit < most })
}

func TestEveryCollectionIsTold(t *testing.T) {
	ended, stop := collections()
	defer stop()
	for range 3 {
		runtime.GC()
		select {
		case <-ended:
		case <-time.After(await.Deadline):
			t.Fatal("a collection has ended and nobody was told")
		}
	}
}
