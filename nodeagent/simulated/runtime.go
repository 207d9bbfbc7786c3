package simulated

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// Options configure a Runtime.
type Options struct {
	// PodCIDR is where pods get their addresses from. The zero value is 10.128.0.0/24.
	PodCIDR netip.Prefix
	Stages  Stages
	// Images are there from the start; others are "pulled".
	Images []string
	// Seed makes the random parts repeatable.
	Seed uint64
	// Clock is the real one if nil.
	Clock clock.WithDelayedExecution
	// Streams answers exec, attach and port-forward; nil means that these fail. Many runtimes share one.
	Streams *Streams
}

// Runtime is one simulated node's container runtime. It is safe for concurrent use.
type Runtime struct {
	options Options
	clock   clock.WithDelayedExecution
	began   time.Time

	mu         sync.Mutex
	random     *rand.Rand
	created    uint64
	lastIP     netip.Addr
	ips        map[netip.Addr]struct{}
	sandboxes  map[string]*sandbox
	containers map[string]*container
	images     map[string]struct{}
	spent      float64 // nanoseconds of CPU time that containers have used which are gone
	changed    func(podUID string)
	down       error
	hung       chan struct{} // closed when it answers again; nil while it does
}

var (
	_ cri.Runtime  = (*Runtime)(nil)
	_ cri.Notifier = (*Runtime)(nil)
)

type sandbox struct {
	id      string
	config  *runtimeapi.PodSandboxConfig
	created time.Time
	stopped bool
	ip      netip.Addr
}

type container struct {
	id                         string
	sandbox                    *sandbox
	config                     *runtimeapi.ContainerConfig
	stages                     Stages
	state                      runtimeapi.ContainerState
	created, started, finished time.Time
	exitCode                   int32
	reason                     string
	end                        clock.Timer
	// resized are the limits it was given while it ran; nil if it has those it was made with.
	resized *runtimeapi.LinuxContainerResources
}

// New returns a runtime with no pods.
func New(options Options) *Runtime {
	if !options.PodCIDR.IsValid() {
		options.PodCIDR = netip.MustParsePrefix("10.128.0.0/24")
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	r := &Runtime{
		options: options, clock: options.Clock, began: options.Clock.Now(),
		random:    rand.New(rand.NewPCG(options.Seed, 1)),
		sandboxes: map[string]*sandbox{}, containers: map[string]*container{},
		images: map[string]struct{}{}, ips: map[netip.Addr]struct{}{},
		lastIP: options.PodCIDR.Masked().Addr().Next(), // the first is the node's own
	}
	for _, image := range options.Images {
		r.images[image] = struct{}{}
	}
	return r
}

// Notify names the function to call when a pod changed by itself. There is one at a time.
func (r *Runtime) Notify(changed func(podUID string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = changed
}

// Break makes every call fail with err until it is called with nil: the runtime is down. What runs goes on running.
func (r *Runtime) Break(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = err
}

// Hang lets no call end but by its context, until the function that it returns is called: the runtime does not answer. What runs
// goes on running.
func (r *Runtime) Hang() (answer func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hung == nil {
		r.hung = make(chan struct{})
	}
	return r.answerAgain
}

func (r *Runtime) answerAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hung != nil {
		close(r.hung)
		r.hung = nil
	}
}

// Name is "simulated".
func (r *Runtime) Name() string { return "simulated" }

// Version names the runtime.
func (r *Runtime) Version(ctx context.Context, _ string) (*runtimeapi.VersionResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	return &runtimeapi.VersionResponse{
		Version: "0.1.0", RuntimeName: r.Name(), RuntimeVersion: "1.0.0", RuntimeApiVersion: "v1",
	}, nil
}

// Status says that runtime and network are ready.
func (r *Runtime) Status(ctx context.Context, _ bool) (*runtimeapi.StatusResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	return &runtimeapi.StatusResponse{Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
		{Type: runtimeapi.RuntimeReady, Status: true}, {Type: runtimeapi.NetworkReady, Status: true},
	}}}, nil
}

// up begins every call: it waits while the runtime hangs, and says whether it is down. The lock is not held.
func (r *Runtime) up(ctx context.Context) error {
	for {
		r.mu.Lock()
		hung, down := r.hung, r.down
		r.mu.Unlock()
		if hung == nil {
			return down
		}
		select {
		case <-hung:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stage waits as long as a stage takes and says how it ended.
func (r *Runtime) stage(ctx context.Context, stage Stage) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	wait, outcome := stage.duration(r.random), stage.outcome(r.random)
	r.mu.Unlock()
	if wait > 0 {
		timer := r.clock.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return outcome
}

// id makes a 64 digit ID, as containerd's are; unique within the runtime, and in practice among runtimes.
func (r *Runtime) id() string {
	r.created++
	return fmt.Sprintf("%016x%016x%016x%016x", r.random.Uint64(), r.random.Uint64(), r.options.Seed, r.created)
}

// address takes the next free address, or the zero Addr when there is none.
func (r *Runtime) address() netip.Addr {
	prefix := r.options.PodCIDR.Masked()
	first := prefix.Addr().Next()
	for range 1 << min(16, prefix.Addr().BitLen()-prefix.Bits()) {
		r.lastIP = r.lastIP.Next()
		if !prefix.Contains(r.lastIP) || !prefix.Contains(r.lastIP.Next()) { // the last one is for broadcasts
			r.lastIP = first
			continue
		}
		if _, taken := r.ips[r.lastIP]; !taken {
			r.ips[r.lastIP] = struct{}{}
			return r.lastIP
		}
	}
	return netip.Addr{}
}

// tell reports a change. It is called without the lock.
func (r *Runtime) tell(podUID string) {
	r.mu.Lock()
	changed := r.changed
	r.mu.Unlock()
	if changed != nil {
		changed(podUID)
	}
}

func matches(filter, labels map[string]string) bool {
	for key, value := range filter {
		if labels[key] != value {
			return false
		}
	}
	return true
}
