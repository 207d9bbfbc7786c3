package instance

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNamesThatCannotBecomeABridgeAreRefused(t *testing.T) {
	for name, allowed := range map[string]bool{
		"orrery": true, "a": true, "second-1": true,
		"": false, "-a": false, "a-": false, "Upper": false, "a/b": false, "..": false,
		"twenty-one-characters": false,
	} {
		if _, err := Open(t.TempDir(), name); (err == nil) != allowed {
			t.Errorf("Open(%q) = %v, allowed is %t", name, err, allowed)
		}
	}
}

func TestOneProcessRunsAnInstance(t *testing.T) {
	inst := prepared(t, t.TempDir(), "orrery")
	if inst.Running() {
		t.Fatal("runs before it was acquired")
	}
	lock, err := inst.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !inst.Running() || inst.PID() != os.Getpid() {
		t.Errorf("running = %t by %d, want true by %d", inst.Running(), inst.PID(), os.Getpid())
	}
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := inst.Acquire(soon); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), inst.Command("down")) {
		t.Errorf("second Acquire = %v, want ErrRunning with what to do", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if inst.Running() {
		t.Error("runs after it was released")
	}
	if killed, err := inst.Stop(t.Context(), 0); err != nil || killed {
		t.Errorf("stopping what does not run = %t, %v; want success", killed, err)
	}
}

func TestAPlaceThatCannotBeWrittenSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inst, err := Open(file, "orrery")
	if err != nil {
		t.Fatal(err)
	}
	if err := inst.Prepare(); err == nil || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("Prepare = %v, want an error that names --data-dir", err)
	}
}

func TestTheAddressesExpectedAreThoseThatAreChosen(t *testing.T) {
	inst, err := Open(filepath.Join(t.TempDir(), "not", "there"), "orrery")
	if err != nil {
		t.Fatal(err)
	}
	before, err := inst.Expected()
	if err != nil || !before.Pods.IsValid() {
		t.Fatalf("before it was ever started it expects %v (%v)", before, err)
	}
	if err := inst.Prepare(); err != nil {
		t.Fatal(err)
	}
	chosen, err := inst.Settle()
	if err != nil {
		t.Fatal(err)
	}
	if after, err := inst.Expected(); err != nil || before != chosen.Addresses || after != chosen.Addresses {
		t.Errorf("expected %v, chose %v, and expects %v (%v)", before, chosen.Addresses, after, err)
	}
}

func TestAPortIsRememberedAndAnAddressIsNeverShared(t *testing.T) {
	dir := t.TempDir()
	first, firstPort := settled(t, prepared(t, dir, "first"))
	second, secondPort := settled(t, prepared(t, dir, "second"))
	if first.Addresses.Pods.Overlaps(second.Addresses.Pods) || first.Addresses.Services.Overlaps(second.Addresses.Services) {
		t.Errorf("first has %v and second %v: they overlap", first.Addresses, second.Addresses)
	}
	if firstPort == secondPort {
		t.Errorf("both listen on %d", firstPort)
	}
}

func TestInstancesThatAreStartedAtOnceChooseApart(t *testing.T) {
	const instances = 12
	dir := t.TempDir()
	chosen := make([]Settings, instances)
	var starts sync.WaitGroup
	for i := range chosen {
		inst := prepared(t, dir, "at-once-"+strconv.Itoa(i))
		starts.Go(func() {
			var port int
			chosen[i], port = settled(t, inst)
			chosen[i].Port = port
		})
	}
	starts.Wait()
	for i, one := range chosen {
		for _, other := range chosen[i+1:] {
			if one.Port == other.Port || one.Addresses.Pods.Overlaps(other.Addresses.Pods) || one.Addresses.Services.Overlaps(other.Addresses.Services) {
				t.Errorf("one has %+v, and another %+v", one, other)
			}
		}
	}
}

func TestThePortOfAnInstanceThatIsStoppedIsLeftToIt(t *testing.T) {
	dir := t.TempDir()
	stopped := prepared(t, dir, "stopped")
	if _, err := stopped.Settle(); err != nil {
		t.Fatal(err)
	}
	listener, err := stopped.Listen(t.Context(), loopback, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if _, other := settled(t, prepared(t, dir, "other")); other == port {
		t.Errorf("another instance listens on %d, to which the one that is stopped will come back", other)
	}
	if again, err := stopped.Listen(t.Context(), loopback, 0); err != nil {
		t.Error(err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestAPortInUseIsAnErrorThatNamesIt(t *testing.T) {
	inst := prepared(t, t.TempDir(), "orrery")
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	port := other.Addr().(*net.TCPAddr).Port
	_, err = inst.Listen(t.Context(), loopback, port)
	if err == nil || !strings.Contains(err.Error(), "--port "+strconv.Itoa(port)) {
		t.Errorf("Listen = %v, want an error that names --port %d", err, port)
	}
}

func TestSettlingTwiceChoosesTheSame(t *testing.T) {
	inst := prepared(t, t.TempDir(), "orrery")
	once, port := settled(t, inst)
	again, err := inst.Settle()
	if err != nil {
		t.Fatal(err)
	}
	once.Port = port
	if once != again {
		t.Errorf("first %+v, then %+v", once, again)
	}
	if _, err := inst.Listen(t.Context(), loopback, 0); err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("Listen on the remembered port, which is taken = %v, want an error that names it", err)
	}
}

func TestTheRunningInstanceTellsItsStatus(t *testing.T) {
	inst := prepared(t, filepath.Join(t.TempDir(), strings.Repeat("deep", 30)), "orrery")
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	want := Status{Name: "orrery", Components: []Component{{Name: "etcd", State: Running}}}
	go func() { served <- inst.Serve(ctx, func() Status { return want }, nil) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	}()
	var got Status
	err := errors.New("never asked")
	for err != nil && ctx.Err() == nil {
		got, err = inst.Status(ctx)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestTheSocketAnswersWhatElseItIsGiven(t *testing.T) {
	inst := prepared(t, t.TempDir(), "orrery")
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("passes 7")) })
	go func() { served <- inst.Serve(ctx, func() Status { return Status{} }, Handlers{"/metrics": metrics}) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	}()
	deadline, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	_, err := inst.Status(deadline)
	for err != nil && deadline.Err() == nil {
		_, err = inst.Status(deadline) // until it listens
	}
	answer, err := inst.get(deadline, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	if got, err := io.ReadAll(answer.Body); err != nil || string(got) != "passes 7" {
		t.Errorf("the socket answers %q (%v), want the metrics", got, err)
	}
}

var loopback = netip.MustParseAddr("127.0.0.1")

func prepared(t *testing.T, dir, name string) *Instance {
	t.Helper()
	inst, err := Open(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := inst.Prepare(); err != nil {
		t.Fatal(err)
	}
	return inst
}

// settled settles an instance and opens its port until the test ends.
func settled(t *testing.T, inst *Instance) (Settings, int) {
	t.Helper()
	s, err := inst.Settle()
	if err != nil {
		t.Error(err)
		return s, 0
	}
	listener, err := inst.Listen(t.Context(), loopback, 0)
	if err != nil {
		t.Error(err)
		return s, 0
	}
	t.Cleanup(func() { _ = listener.Close() })
	return s, listener.Addr().(*net.TCPAddr).Port
}
