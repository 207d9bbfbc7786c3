package pods

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// live is a node whose loop runs by itself, beside a runtime that takes its time, in a bubble where time passes when all wait.
type live struct {
	t       *testing.T
	runtime *single
	hooks   slowHooks
	host    Host
	log     logr.Logger
	// What follows holds from the next restart on.
	admit   admitCheck
	preempt func(*corev1.Pod, []*corev1.Pod) []*corev1.Pod
	static  []*corev1.Pod
	known   chan struct{}
	forbid  func(*corev1.Pod) *status.Failure
	loop    *Loop
	stop    func()

	mu     sync.Mutex
	pods   map[types.UID]*corev1.Pod
	down   bool
	events []string
	// written are the statuses of static pods: name and phase.
	written []string
}

func newLive(t *testing.T) *live {
	l := &live{t: t, host: plainHost{}, log: logr.Discard(), pods: map[types.UID]*corev1.Pod{}}
	l.runtime = &single{Runtime: simulated.New(simulated.Options{}), t: t, busy: map[string]bool{}}
	l.hooks.ran = map[string]int{}
	l.start()
	return l
}

// start starts the agent.
func (l *live) start() {
	l.loop = New(Options{
		Agent: "node", Runtime: l.runtime, Host: l.host, Hooks: &l.hooks, Prober: l.runtime, API: l, Graceful: true,
		HostIPs: func() []string { return []string{"192.0.2.1"} }, Log: l.log, Admit: l.admit, Preempt: l.preempt, Forbid: l.forbid,
		Event: func(pod *corev1.Pod, container, _, reason, _ string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.events = append(l.events, strings.TrimSpace(fmt.Sprintf("%s %s %s", pod.Name, reason, container)))
		},
	})
	for _, pod := range append(l.all(), l.static...) {
		l.loop.Set(pod)
	}
	ctx, cancel := context.WithCancel(context.Background())
	known := l.known
	if known == nil {
		known = make(chan struct{})
		close(known)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.loop.Run(ctx, known)
	}()
	l.stop = func() { cancel(); <-ended }
	_ = l.loop.CleanUpOrphanedPods(ctx) // the runtime may be away
}

// restart ends the agent, with all that it has under way, and starts another.
func (l *live) restart() {
	l.stop()
	l.start()
}

func (l *live) all() []*corev1.Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.pods))
}

// put makes a pod what is given, and tells the agent.
func (l *live) put(pod *corev1.Pod) {
	l.mu.Lock()
	l.pods[pod.UID] = pod
	l.mu.Unlock()
	l.loop.Set(pod)
}

func (l *live) WriteStatus(_ context.Context, pod *corev1.Pod, wanted *corev1.PodStatus) error {
	l.mu.Lock()
	found := l.pods[pod.UID]
	down := l.down
	if status.Static(pod) {
		l.written = append(l.written, pod.Name+"="+string(wanted.Phase))
	}
	l.mu.Unlock()
	switch {
	case down:
		return errAway
	case found == nil:
		return nil
	}
	for _, c := range append(found.Spec.Containers, found.Spec.InitContainers...) {
		if status.Terminal(wanted.Phase) && l.running(pod.UID, c.Name) != "" {
			l.t.Errorf("pod %s is said to be %s, and container %s runs", pod.Name, wanted.Phase, c.Name)
		}
	}
	updated := found.DeepCopy()
	updated.Status = *wanted.DeepCopy()
	l.put(updated)
	return nil
}

func (l *live) Delete(_ context.Context, pod *corev1.Pod) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errAway
	}
	delete(l.pods, pod.UID)
	go l.loop.Remove(pod.UID)
	return nil
}

func (l *live) setDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *live) get(uid types.UID) *corev1.Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pods[uid]
}

func (l *live) create(name string, spec corev1.PodSpec, annotations map[string]string) types.UID {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID("uid-" + name)}, Spec: spec}
	pod.Annotations = map[string]string{}
	for key, value := range annotations {
		pod.Annotations[simulated.AnnotationPrefix+key] = value
	}
	l.put(pod)
	return pod.UID
}

// resize changes the CPU that a pod's container asks for.
func (l *live) resize(uid types.UID, cpu string) {
	pod := l.get(uid).DeepCopy()
	pod.Generation++
	pod.Spec.Containers[0].Resources = amounts(cpu, "16Mi")
	l.put(pod)
}

// delete asks for a pod's end within so many seconds.
func (l *live) delete(uid types.UID, seconds int64) {
	pod := l.get(uid)
	if pod == nil {
		return
	}
	pod = pod.DeepCopy()
	if pod.DeletionTimestamp == nil || seconds < *pod.DeletionGracePeriodSeconds {
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &metav1.Time{Time: time.Now()}, &seconds
		l.put(pod)
	}
}

// kill ends the running instance of a container by itself.
func (l *live) kill(uid types.UID, name string) {
	if id := l.running(uid, name); id != "" {
		l.runtime.Kill(id, 3, "Error")
	}
}

// running is the ID of the instance of a container that runs.
func (l *live) running(uid types.UID, name string) string {
	containers, _ := l.runtime.ListContainers(context.Background(), nil) // none while it is away
	for _, c := range containers {
		if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING && c.Labels[cri.LabelPodUID] == string(uid) && c.Metadata.Name == name {
			return c.Id
		}
	}
	return ""
}
