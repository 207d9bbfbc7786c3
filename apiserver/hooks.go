package apiserver

import (
	"errors"
	"runtime"
	"strings"
	"sync"

	"k8s.io/klog/v2"
)

// errHook is why a server ended whose start Kubernetes would have ended the whole process for.
var errHook = errors.New("a post-start hook failed, the log says which: \"PostStartHook ... failed\"")

// hookRunner is the function of upstream's that runs a post-start hook, and ends the process when it returns an error.
const hookRunner = "k8s.io/apiserver/pkg/server.runPostStartHook"

// running are the servers of this process.
var running = struct {
	sync.Mutex
	servers map[*Server]struct{}
}{servers: map[*Server]struct{}{}}

// outliveHooks makes an error of a post-start hook one of its server, and not the end of the process, which may be a test
// of somebody's. Upstream ends it by klog's exit, a global variable; whoever else exits that way still does.
var outliveHooks = sync.OnceFunc(func() {
	exit := klog.OsExit
	klog.OsExit = func(code int) {
		if runsHook() {
			failStarts()
			runtime.Goexit()
		}
		exit(code)
	}
})

// runsHook reports whether this goroutine is in a post-start hook.
func runsHook() bool {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, hookRunner) {
			return true
		}
		if !more {
			return false
		}
	}
}

// failStarts brings down the servers whose start is not over: the hook is one of theirs, and does not tell of which.
func failStarts() {
	running.Lock()
	defer running.Unlock()
	for s := range running.servers {
		select {
		case <-s.ready:
		default:
			s.fail(errHook)
		}
	}
}

// register counts a server among the running ones, before any of its hooks can run.
func (s *Server) register() {
	outliveHooks()
	running.Lock()
	defer running.Unlock()
	running.servers[s] = struct{}{}
}

func (s *Server) unregister() {
	running.Lock()
	defer running.Unlock()
	delete(running.servers, s)
}
