package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/progress"
)

// newsFD is the file descriptor on which a process in the background tells the one that launched it how it starts.
const newsFD = 3

// newsEnv says that newsFD is open.
const newsEnv = "ORRERY_NEWS_FD"

// news is one line of what is told there.
type news struct {
	Component *instance.Component `json:"component,omitempty"`
	Ready     bool                `json:"ready,omitempty"`
	Error     string              `json:"error,omitempty"`
}

// launch starts this program with arguments in the background, shows how its components come up, and returns when all of
// them run. If they do not, the process has ended, and the error is its own. An end of ctx ends it too, by force if need be.
func launch(ctx context.Context, inst *instance.Instance, args []string, view progress.View) error {
	log, err := os.OpenFile(inst.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process in the background has its own
	said := sizeOf(inst.Log())
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("opening a pipe: %w", err)
	}
	defer func() { _ = read.Close() }() // read only

	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	process := exec.Command(self, args...)
	process.Env = append(os.Environ(), newsEnv+"=1")
	process.Stdout, process.Stderr = log, log
	process.ExtraFiles = []*os.File{write}
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = process.Start()
	_ = write.Close() // so that the pipe ends with the process
	if err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	stop := context.AfterFunc(ctx, func() {
		_ = process.Process.Signal(syscall.SIGTERM)                              // it may have ended by itself
		time.AfterFunc(interruptPatience, func() { _ = process.Process.Kill() }) // or in time
	})
	defer stop()

	told := following{View: view, coming: map[string]bool{}}
	if err := follow(read, told); err != nil {
		_ = process.Wait() // its own words say more than its exit code
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("%s did not come up in time, and nothing is left running: see %s, or wait longer with --timeout",
				strings.Join(slices.Sorted(maps.Keys(told.coming)), ", "), inst.Log())
		case ctx.Err() != nil:
			return errors.New("interrupted: nothing is left running")
		case errors.Is(err, errSilent):
			return autopsy(inst, said)
		default:
			return err
		}
	}
	return process.Process.Release()
}

// interruptPatience is how long a process that is starting has to end when it is no longer wanted.
const interruptPatience = time.Minute

// following is a view that remembers which components have not come up.
type following struct {
	progress.View
	coming map[string]bool
}

func (f following) Show(c instance.Component) {
	f.coming[c.Name] = true
	if c.State == instance.Running {
		delete(f.coming, c.Name)
	}
	f.View.Show(c)
}

// errSilent is the error of a process that ended without a word.
var errSilent = errors.New("the control plane ended while it started")

// follow shows what is told until all components run.
func follow(from io.Reader, view progress.View) error {
	decoder := json.NewDecoder(from)
	for {
		var n news
		switch err := decoder.Decode(&n); {
		case err != nil:
			return errSilent
		case n.Error != "":
			return errors.New(n.Error)
		case n.Ready:
			return nil
		case n.Component != nil:
			view.Show(*n.Component)
		}
	}
}

// teller tells how the components come up: to the process that launched this one, or to a person.
type teller struct {
	toPerson bool
	encoder  *json.Encoder
	file     *os.File
	view     progress.View
}

func newTeller(out io.Writer) *teller {
	if os.Getenv(newsEnv) == "" {
		return &teller{toPerson: true, view: progress.New(out)}
	}
	_ = os.Unsetenv(newsEnv) // it is not for our children
	syscall.CloseOnExec(newsFD)
	file := os.NewFile(newsFD, "news")
	return &teller{encoder: json.NewEncoder(file), file: file}
}

func (t *teller) component(c instance.Component) {
	if t.view != nil {
		t.view.Show(c)
	}
	t.tell(news{Component: &c})
}

// ready ends the telling: from here on, 'orrery status' is the one to ask.
func (t *teller) ready() {
	t.tell(news{Ready: true})
	t.close()
}

func (t *teller) failed(err error) {
	t.tell(news{Error: err.Error()})
	t.close()
}

func (t *teller) tell(n news) {
	if t.encoder != nil {
		_ = t.encoder.Encode(n) // who launched us may have been killed: no reason to end
	}
}

func (t *teller) close() {
	if t.view != nil {
		t.view.Close()
		t.view = nil
	}
	if t.file != nil {
		_ = t.file.Close()
		t.file, t.encoder = nil, nil
	}
}

// sizeOf is the size of a file, 0 if there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
