package child

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/pprof"
	"syscall"
	"time"

	runtimepprof "runtime/pprof"
)

// The paths of a child's address. A profile is started and ended by who measures, for nobody knows beforehand how long it is to be.
const (
	usagePath    = "/usage"
	startProfile = "/profile/start"
	endProfile   = "/profile/end"
	allocsPath   = "/debug/pprof/allocs"
	heapPath     = "/debug/pprof/heap?gc=1"
)

// Usage is what a process has used so far.
type Usage struct {
	// CPU is in seconds, of user and system.
	CPU float64
	// Memory is the most that was resident at any time, in bytes.
	Memory int64
}

// Own is what this process has used.
func Own() Usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return Usage{}
	}
	cpu := time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return Usage{CPU: cpu.Seconds(), Memory: r.Maxrss * 1024}
}

// debugging is what a child serves at its address: besides these paths, all that its part has added to http.DefaultServeMux.
func debugging() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.DefaultServeMux)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc(usagePath, func(w http.ResponseWriter, _ *http.Request) {
		own := Own()
		_, _ = fmt.Fprintln(w, own.CPU, own.Memory)
	})
	var profile bytes.Buffer
	mux.HandleFunc(startProfile, func(w http.ResponseWriter, _ *http.Request) {
		profile.Reset()
		if err := runtimepprof.StartCPUProfile(&profile); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	mux.HandleFunc(endProfile, func(w http.ResponseWriter, _ *http.Request) {
		runtimepprof.StopCPUProfile()
		_, _ = w.Write(profile.Bytes())
	})
	return mux
}
