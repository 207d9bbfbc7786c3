package plane

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/internal/cli/instance"
)

// diary writes down what happens, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// until is a component that runs until it is stopped, and writes down both.
func (d *diary) until(name string, needs ...string) Component {
	return Component{Name: name, Needs: needs, Run: func(ctx context.Context, ready func(string)) error {
		d.write(name + " starts")
		ready("")
		<-ctx.Done()
		d.write(name + " stops")
		return ctx.Err()
	}}
}

func TestComponentsStartAfterAndStopBeforeWhatTheyNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		p := mustNew(t, d.until("apiserver"), d.until("controllers", "apiserver"), d.until("garden", "controllers"))
		ctx, cancel := context.WithCancel(t.Context())
		if err := p.Run(ctx, cancel); err != nil {
			t.Fatalf("Run: %v", err)
		}
		want := []string{
			"apiserver starts", "controllers starts", "garden starts",
			"garden stops", "controllers stops", "apiserver stops",
		}
		if diff := cmp.Diff(want, d.lines); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		for _, c := range p.Status() {
			if c.State != instance.Stopped {
				t.Errorf("%s is %s, want Stopped", c.Name, c.State)
			}
		}
	})
}

func TestAComponentThatNeverRanEndsTheStartWithItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := Component{Name: "runtime", Run: func(context.Context, func(string)) error { return errors.New("no overlayfs") }}
		p := mustNew(t, d.until("apiserver"), broken, d.until("node", "apiserver", "runtime"))
		err := p.Run(t.Context(), func() { t.Error("ready was called") })
		if err == nil || err.Error() != "runtime: no overlayfs" {
			t.Errorf("Run = %v, want the runtime's error", err)
		}
		for _, line := range d.lines {
			if strings.HasPrefix(line, "node") {
				t.Errorf("node ran without what it needs: %q", d.lines)
			}
		}
	})
}

func TestAComponentThatFailsLaterStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		flaky := Component{Name: "scheduler", Run: func(ctx context.Context, ready func(string)) error {
			ready("")
			if runs++; runs < 3 {
				panic("nil map")
			}
			cancel()
			<-ctx.Done()
			return nil
		}}
		p := mustNew(t, flaky)
		if err := p.Run(ctx, func() {}); err != nil {
			t.Fatalf("Run: %v", err)
		}
		got := p.Status()[0]
		if got.Restarts != 2 || got.LastError != "panic: nil map" {
			t.Errorf("restarts = %d, last error = %q; want 2 and the panic", got.Restarts, got.LastError)
		}
	})
}

func TestAVitalComponentEndsThePlaneAtAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		vital := Component{Name: "etcd", Vital: true, Run: func(_ context.Context, ready func(string)) error {
			ready("")
			return errors.New("disk full")
		}}
		p := mustNew(t, vital, d.until("apiserver", "etcd"))
		if err := p.Run(t.Context(), func() {}); err == nil || err.Error() != "etcd: disk full" {
			t.Errorf("Run = %v, want etcd's error", err)
		}
	})
}

func TestNewRefusesANeedThatDoesNotStandBefore(t *testing.T) {
	_, err := New([]Component{{Name: "node", Needs: []string{"runtime"}}}, nil)
	if err == nil || !strings.Contains(err.Error(), "node needs runtime") {
		t.Errorf("New = %v, want an error that names both", err)
	}
}

func mustNew(t *testing.T, components ...Component) *Plane {
	t.Helper()
	p, err := New(components, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
