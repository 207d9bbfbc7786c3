package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/await"
)

// holdVariable makes the test binary a process that runs the instance in a directory.
const holdVariable = "ORRERY_TEST_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holdVariable) == "" {
		os.Exit(m.Run())
	}
	inst, err := Open(os.Getenv(holdVariable), DefaultName)
	if err == nil {
		err = inst.hold()
	}
	fmt.Println(err)
	os.Exit(1)
}

// hold runs the instance until the process is killed, and does not care about SIGTERM.
func (i *Instance) hold() error {
	signal.Ignore(syscall.SIGTERM)
	lock, err := i.Acquire(context.Background())
	if err != nil {
		return err
	}
	fmt.Println("held")
	err = i.Serve(context.Background(), func() Status { return Status{Name: i.Name} }, nil)
	return errors.Join(err, lock.Release()) // one that nobody refers to is let go when memory is collected
}

// held is an instance that another process runs. Nobody waits for that process before the test ends.
func held(t *testing.T) (*Instance, *os.Process) {
	t.Helper()
	dir := t.TempDir()
	inst := prepared(t, dir, DefaultName)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdVariable+"="+dir)
	said, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = holder.Process.Kill() // it may have ended
		<-ended
	})
	line := make([]byte, 100)
	n, err := said.Read(line)
	go func() {
		defer close(ended)
		_ = holder.Wait() // how it ends is the test's
	}()
	if err != nil || string(line[:n]) != "held\n" {
		t.Fatalf("it said %q (%v), want that it holds the instance", line[:n], err)
	}
	await.Success(t, "it answers", func() error {
		_, err := inst.Status(t.Context())
		return err
	})
	return inst, holder.Process
}

func TestAProcessThatIsSuspendedIsToldAndStopped(t *testing.T) {
	inst, process := held(t)
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "it stops", func() error { // the signal has been sent, and each of its threads has to take it
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", process.Pid))
		for _, task := range tasks {
			state, err := os.ReadFile(task)
			if err == nil && !strings.Contains(string(state), ") T ") {
				return fmt.Errorf("%s says %s", task, state)
			}
		}
		return err
	})
	_, err := inst.Status(t.Context())
	var silent *SilentError
	if !errors.As(err, &silent) || isTimeout(silent.Reason) {
		t.Fatalf("Status = %v, want a SilentError that did not wait for an answer", err)
	}
	for _, want := range []string{"suspended", fmt.Sprintf("kill -CONT %d", process.Pid), inst.Command("down")} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if _, err := inst.Acquire(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("Acquire = %v, want ErrRunning", err)
	}
	if killed, err := inst.Stop(t.Context(), 100*time.Millisecond); !killed || err != nil || inst.Running() {
		t.Errorf("Stop = %t, %v, and it runs is %t; want it killed, as it ignores SIGTERM", killed, err, inst.Running())
	}
}

func TestAProcessIsFoundWhoseDirectoryWasRemoved(t *testing.T) {
	inst, process := held(t)
	if err := os.RemoveAll(inst.Dir); err != nil {
		t.Fatal(err)
	}
	if !inst.Running() || inst.PID() != process.Pid {
		t.Fatalf("it runs is %t by %d, want true by %d", inst.Running(), inst.PID(), process.Pid)
	}
	if _, err := inst.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "was removed") {
		t.Errorf("Status = %v, want that its directory was removed", err)
	}
	if err := inst.Prepare(); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := inst.Acquire(soon); !errors.Is(err, ErrRunning) {
		t.Errorf("Acquire of a new directory = %v, want ErrRunning: the old process goes on", err)
	}
	if _, err := inst.Stop(t.Context(), 0); err != nil || inst.Running() {
		t.Errorf("Stop = %v, and it runs is %t", err, inst.Running())
	}
}

func TestAWrongNumberInTheFileOfTheProcessMisleadsNobody(t *testing.T) {
	inst, process := held(t)
	write(t, inst.Path("pid"), "1\n")
	if inst.PID() != process.Pid {
		t.Errorf("the process is %d, want %d", inst.PID(), process.Pid)
	}
}

func TestAnInstanceIsAcquiredOnceAProcessThatDiesHasLetGo(t *testing.T) {
	inst, process := held(t)
	if err := os.Remove(inst.socket()); err != nil { // as one that has closed its sockets already
		t.Fatal(err)
	}
	acquired := make(chan error, 1)
	go func() {
		lock, err := inst.Acquire(t.Context())
		if err == nil {
			err = lock.Release()
		}
		acquired <- err
	}()
	select {
	case err := <-acquired:
		t.Fatalf("Acquire = %v while another process holds the instance, want it to wait", err)
	case <-time.After(4 * look):
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-acquired; err != nil {
		t.Errorf("Acquire = %v", err)
	}
}
