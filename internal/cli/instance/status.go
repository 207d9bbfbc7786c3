package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// State is how a component is.
type State string

// The states of a component, in the order in which it goes through them.
const (
	Waiting  State = "Waiting"  // for what it needs
	Starting State = "Starting" // has begun, and is not of use yet
	Running  State = "Running"
	Failed   State = "Failed" // ended with an error; starts anew after a while
	Stopped  State = "Stopped"
)

// Component is how one part of an instance is.
type Component struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Detail says what the state does not: an address, a version. May be empty.
	Detail string `json:"detail,omitempty"`
	// LastError is what went wrong last, also after it was mended; empty if nothing did.
	LastError string `json:"lastError,omitempty"`
	// Restarts is how often it was started anew.
	Restarts int `json:"restarts,omitempty"`
}

// Status is how an instance is.
type Status struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Kubernetes, Etcd and Kubelet are the releases of what is in the program, whether or not the instance runs it.
	Kubernetes string    `json:"kubernetes,omitempty"`
	Etcd       string    `json:"etcd,omitempty"`
	Kubelet    string    `json:"kubelet,omitempty"`
	PID        int       `json:"pid"`
	Since      time.Time `json:"since"`
	Server     string    `json:"server"`
	// Program is the path of the file that was started, and Args are the arguments by which it would be started again, from any folder,
	// without those that are secret or for one start.
	Program string   `json:"program,omitempty"`
	Args    []string `json:"args,omitempty"`
	// Flags are the values of the flags by which it was started, by name, defaults included.
	Flags      map[string]string `json:"flags,omitempty"`
	Components []Component       `json:"components"`
}

// Handlers are what else the instance's socket answers, by path, as in "/metrics", or by method and path, as in "POST /snapshots".
type Handlers map[string]http.Handler

// Serve tells the status on the instance's socket, at /status, until ctx ends. Nil handlers add nothing.
func (i *Instance) Serve(ctx context.Context, status func() Status, handlers Handlers) error {
	path := i.socket()
	_ = os.Remove(path) // of a process that was killed: we hold the lock
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("protecting %s: %w", path, err), listener.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status()) // a client that has gone away needs no answer
	})
	for pattern, handler := range handlers {
		if strings.HasPrefix(pattern, "/") {
			pattern = http.MethodGet + " " + pattern
		}
		mux.Handle(pattern, handler)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // it only closes connections
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("telling the status on %s: %w", path, err)
	}
	return nil
}

// answerPatience is how long a running instance may take to answer how it is. A machine that is
// busy, as with compiling, may take a second or two.
const answerPatience = 5 * time.Second

// Status asks the running instance how it is. One that does not answer within five seconds is a SilentError.
func (i *Instance) Status(ctx context.Context) (Status, error) {
	var status Status
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	response, err := i.get(ctx, "/status")
	if err != nil {
		return status, err
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return status, &SilentError{instance: i, Reason: err}
	}
	return status, nil
}

// SilentError says that a running instance does not answer, why, and what to do.
type SilentError struct {
	instance *Instance
	// Reason is what became of the question.
	Reason error
}

func (e *SilentError) Error() string {
	i, pid := e.instance, e.instance.PID()
	switch {
	case !i.Exists():
		return fmt.Sprintf("process %d runs instance %s, whose directory %s was removed: end it with '%s'", pid, i.Name, i.Dir, i.Command("down"))
	case i.suspended():
		return fmt.Sprintf("process %[1]d of instance %[2]s is suspended and does not answer: let it go on with 'kill -CONT %[1]d', or end it with '%[3]s'", pid, i.Name, i.Command("down"))
	case isTimeout(e.Reason):
		return fmt.Sprintf("process %d of instance %s hangs and does not answer: see %s, or end it with '%s'", pid, i.Name, i.Log(), i.Command("down"))
	default:
		return fmt.Sprintf("process %d of instance %s does not answer (%v): it is just starting or ending; if it stays so, end it with '%s'", pid, i.Name, e.Reason, i.Command("down"))
	}
}

func (e *SilentError) Unwrap() error { return e.Reason }

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// thinkPatience is how long a running instance may think before it begins to answer a question.
const thinkPatience = 10 * time.Second

// get asks the instance's socket for a path. An answer that does not begin is a SilentError; one that has begun may go on.
func (i *Instance) get(ctx context.Context, path string) (*http.Response, error) {
	return i.ask(ctx, http.MethodGet, path, thinkPatience)
}

// doubt is after how long it is looked whether a process that has not begun to answer is suspended, and so never will.
const doubt = 200 * time.Millisecond

// ask sends a request to the socket, whose answer has to begin within a time; 0 means that it may take as long as ctx lets it. A process
// that is suspended is not waited for.
func (i *Instance) ask(ctx context.Context, method, path string, patience time.Duration) (*http.Response, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives:     true,
		ResponseHeaderTimeout: patience,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", i.socket())
		},
	}}
	ctx, giveUp := context.WithCancel(ctx)
	request, err := http.NewRequestWithContext(ctx, method, "http://orrery"+path, nil)
	if err != nil {
		giveUp()
		return nil, err
	}
	doubting := time.AfterFunc(doubt, func() {
		if i.suspended() {
			giveUp()
		}
	})
	response, err := client.Do(request)
	doubting.Stop()
	var about *url.Error
	if errors.As(err, &about) {
		err = about.Err // the URL is made up, and means nothing to a person
	}
	if err != nil {
		return nil, &SilentError{instance: i, Reason: err}
	}
	return response, nil
}

// socket is the path of the status socket. A unix socket's path has at most 107 bytes, so one in a deep directory is
// reached through the directory that this process has open.
func (i *Instance) socket() string { return shortPath(i.Dir, "orrery.sock") }
