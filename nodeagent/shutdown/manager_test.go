package shutdown

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// house is a machine with pods, of which each takes some time to end, in a bubble where time passes when all wait.
type house struct {
	t         *testing.T
	shutdowns chan bool
	manager   *Manager

	mu    sync.Mutex
	pods  []*corev1.Pod
	takes map[types.UID]time.Duration
	ended map[types.UID]bool
	log   []string
	began time.Time
}

func (h *house) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, fmt.Sprintf("%s ", time.Since(h.began).Round(time.Second))+fmt.Sprintf(format, args...))
}

// What logind does.

func (h *house) Delay(context.Context) (time.Duration, error)    { return time.Hour, nil }
func (h *house) RaiseDelay(context.Context, time.Duration) error { return nil }
func (h *house) Shutdowns(context.Context) (<-chan bool, error)  { return h.shutdowns, nil }
func (h *house) Close() error                                    { return nil }
func (h *house) Inhibit(context.Context) (io.Closer, error) {
	h.note("hold")
	return closer(h.release), nil
}
func (h *house) release() error                             { h.note("let go"); return nil }
func (h *house) connect(context.Context) (Inhibitor, error) { return h, nil }

type closer func() error

func (c closer) Close() error { return c() }

// end ends a pod when its time or its grace is over.
func (h *house) end(uid types.UID, e pods.Eviction) bool {
	h.mu.Lock()
	takes, asked := h.takes[uid]
	delete(h.takes, uid)
	h.mu.Unlock()
	if !asked {
		return false
	}
	h.note("end %s within %s (%s)", uid, e.Grace, e.Reason)
	time.AfterFunc(min(takes, e.Grace), func() {
		h.mu.Lock()
		h.ended[uid] = true
		h.mu.Unlock()
		h.note("%s has ended", uid)
	})
	return true
}

func (h *house) isEnded(uid types.UID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended[uid]
}

func (h *house) add(name string, priority int32, takes time.Duration) {
	p := pod(name, priority, 60)
	p.UID = types.UID(name)
	h.pods, h.takes[p.UID] = append(h.pods, p), takes
}

func newHouse(t *testing.T) (h *house, stop func()) {
	h = &house{t: t, shutdowns: make(chan bool), takes: map[types.UID]time.Duration{}, ended: map[types.UID]bool{}, began: time.Now()}
	h.manager = New(Options{
		Ranges: []Range{{0, 20 * time.Second}, {systemCriticalPriority, 10 * time.Second}}, Connect: h.connect,
		Pods: func() []*corev1.Pod { return h.pods }, Ended: h.isEnded, End: h.end,
		Tell: func(context.Context) error {
			h.note("tell that it goes down: %t", h.manager.Status() != nil)
			return nil
		},
		NodeEvent: func(_, _, message string) { h.note("%s", message) }, Log: logr.Discard(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); h.manager.Run(ctx) }()
	return h, func() { cancel(); <-ended }
}

// told is what happened, in order; what happened in one second is sorted.
func (h *house) told() string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortStableFunc(h.log, func(a, b string) int {
		at := func(line string) time.Duration {
			word, _, _ := strings.Cut(line, " ")
			d, err := time.ParseDuration(word)
			if err != nil {
				h.t.Error(err)
			}
			return d
		}
		return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a, b))
	})
	return strings.Join(h.log, "\n")
}

func TestPodsEndByTheirPriorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		h.add("dns", systemCriticalPriority, 4*time.Second)
		h.add("web", 0, 7*time.Second)
		h.add("slow", 1000, time.Hour)
		if h.manager.Admit(nil, nil) != nil {
			t.Error("it lets no pod in before the machine goes down")
		}
		synctest.Wait()
		h.shutdowns <- true
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		if refused := h.manager.Admit(nil, nil); refused == nil || refused.Reason != "NodeShutdown" || refused.Message != "Pod was rejected as the node is shutting down." {
			t.Errorf("a pod that comes is answered %v", refused)
		}
		want := `0s Shutdown manager detected shutdown event
0s end slow within 20s (Terminated)
0s end web within 20s (Terminated)
0s hold
0s tell that it goes down: true
7s web has ended
20s end dns within 10s (Terminated)
20s slow has ended
24s dns has ended
24s let go`
		if got := h.told(); got != want {
			t.Errorf("it went\n%s\nwant\n%s", got, want)
		}
		stop()
	})
}

func TestAShutdownThatIsCalledOffIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		h.add("dns", systemCriticalPriority, time.Second)
		h.add("web", 0, 30*time.Second)
		synctest.Wait()
		h.shutdowns <- true
		time.Sleep(5 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		h.shutdowns <- false
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		if h.manager.Status() != nil || h.manager.Admit(nil, nil) != nil {
			t.Error("it says that the machine goes down")
		}
		want := `0s Shutdown manager detected shutdown event
0s end web within 20s (Terminated)
0s hold
0s tell that it goes down: true
5s Shutdown manager detected shutdown cancellation
5s hold
5s let go
5s tell that it goes down: false
20s web has ended`
		if got := h.told(); got != want {
			t.Errorf("it went\n%s\nwant\n%s", got, want)
		}
		stop()
	})
}

func TestALostConnectionIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		synctest.Wait()
		lost := h.shutdowns
		h.shutdowns = make(chan bool)
		close(lost)
		time.Sleep(10 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		if got, want := h.told(), "0s hold\n1s hold\n1s let go"; got != want {
			t.Errorf("it went\n%s\nwant\n%s", got, want)
		}
		stop()
	})
}
