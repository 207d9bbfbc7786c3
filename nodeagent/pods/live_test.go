package pods

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// live is a node whose loop runs by itself, beside a runtime that takes its time, in a bubble where time passes when all wait.
type live struct {
	t       *testing.T
	runtime *single
	hooks   slowHooks
	loop    *Loop
	stop    func()

	mu     sync.Mutex
	pods   map[types.UID]*corev1.Pod
	down   bool
	events []string
}

// single is a runtime that fails the test when a container is made or started while it runs or starts already.
type single struct {
	*simulated.Runtime
	t *testing.T
	// stubborn: a call that was begun goes on although nobody waits for it any more.
	stubborn bool

	mu   sync.Mutex
	busy map[string]bool // the containers that are being made or started, each as UID/NAME
}

func (r *single) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, pod *runtimeapi.PodSandboxConfig) (id string, err error) {
	r.alone(config.Labels[cri.LabelPodUID]+"/"+config.Metadata.Name, func() {
		if r.stubborn {
			ctx = context.WithoutCancel(ctx)
		}
		id, err = r.Runtime.CreateContainer(ctx, sandbox, config, pod)
	})
	return id, err
}

func (r *single) StartContainer(ctx context.Context, id string) error {
	found, err := r.ContainerStatus(ctx, id, false)
	if err != nil {
		return err
	}
	r.alone(found.Status.Labels[cri.LabelPodUID]+"/"+found.Status.Metadata.Name, func() {
		if r.stubborn {
			ctx = context.WithoutCancel(ctx)
		}
		err = r.Runtime.StartContainer(ctx, id)
	})
	return err
}

// alone fails the test unless the container neither runs nor starts when something is done that makes it.
func (r *single) alone(container string, do func()) {
	r.mu.Lock()
	if r.busy[container] {
		r.t.Errorf("container %s is made or started twice at once", container)
	}
	r.busy[container] = true
	r.mu.Unlock()
	containers, _ := r.ListContainers(context.Background(), nil) // none while it is away
	for _, c := range containers {
		if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING && c.Labels[cri.LabelPodUID]+"/"+c.Metadata.Name == container {
			r.t.Errorf("container %s is made or started while %s runs", container, c.Id)
		}
	}
	do()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, container)
}

// slowHooks take as long as a hook's sleep.
type slowHooks struct {
	mu  sync.Mutex
	ran map[string]int // by container ID
}

func (h *slowHooks) Run(ctx context.Context, _ *corev1.Pod, id string, hook *corev1.LifecycleHandler, _ []string) error {
	h.mu.Lock()
	h.ran[id]++
	h.mu.Unlock()
	select {
	case <-time.After(time.Duration(hook.Sleep.Seconds) * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newLive(t *testing.T) *live {
	l := &live{t: t, pods: map[types.UID]*corev1.Pod{}}
	l.runtime = &single{Runtime: simulated.New(simulated.Options{}), t: t, busy: map[string]bool{}}
	l.hooks.ran = map[string]int{}
	l.start()
	return l
}

// start starts the agent.
func (l *live) start() {
	l.loop = New(Options{
		Agent: "node", Runtime: l.runtime, Host: plainHost{}, Hooks: &l.hooks, Prober: l.runtime, API: l, Graceful: true,
		HostIPs: func() []string { return []string{"192.0.2.1"} }, Log: logr.Discard(),
		Event: func(pod *corev1.Pod, container, _, reason, _ string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.events = append(l.events, strings.TrimSpace(fmt.Sprintf("%s %s %s", pod.Name, reason, container)))
		},
	})
	for _, pod := range l.all() {
		l.loop.Set(pod)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.loop.Run(ctx)
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
	l.mu.Unlock()
	switch {
	case down:
		return errAway
	case found == nil:
		return nil
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

func container(name string, change func(*corev1.Container)) corev1.Container {
	c := corev1.Container{Name: name, Image: name + ":1", Lifecycle: &corev1.Lifecycle{}}
	if change != nil {
		change(&c)
	}
	return c
}

func preStops(seconds int64) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.Lifecycle.PreStop = &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}
	}
}

func postStarts(seconds int64) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.Lifecycle.PostStart = &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}
	}
}

// stateOf says in a word what a status says of a container.
func stateOf(pod *corev1.Pod, name string) string {
	if pod == nil {
		return "gone"
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch {
		case s.Name != name:
		case s.State.Running != nil:
			return fmt.Sprintf("running %d", s.RestartCount)
		case s.State.Terminated != nil:
			return fmt.Sprintf("ended %d", s.State.Terminated.ExitCode)
		case s.State.Waiting != nil:
			return s.State.Waiting.Reason
		}
	}
	return "unknown"
}

func TestWhileSomethingTakesLong(t *testing.T) {
	type expectation struct {
		name, want string
	}
	pair := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{container("quick", nil), container("slow", nil)}}
	for _, test := range []struct {
		name        string
		spec        corev1.PodSpec
		annotations map[string]string
		// after is when something happens, and then a second passes.
		after   time.Duration
		happens func(l *live, uid types.UID)
		want    []expectation
	}{
		{
			"a container's end is told while another one's image is pulled", pair, map[string]string{"create-delay.slow": "1m"},
			10 * time.Second, func(l *live, uid types.UID) { l.kill(uid, "quick") },
			[]expectation{{"quick", "ended 3"}, {"slow", "ContainerCreating"}},
		},
		{
			"a container runs for everybody to see when its postStart hook has ended, and the next one starts then",
			corev1.PodSpec{Containers: []corev1.Container{container("first", postStarts(20)), container("second", nil)}}, nil,
			10 * time.Second, nil, []expectation{{"first", "ContainerCreating"}, {"second", "ContainerCreating"}},
		},
		{
			"so does the next one", corev1.PodSpec{Containers: []corev1.Container{container("first", postStarts(20)), container("second", nil)}}, nil,
			20 * time.Second, nil, []expectation{{"first", "running 0"}, {"second", "running 0"}},
		},
		{
			"the end of the first container is told while the second has its preStop hook",
			corev1.PodSpec{Containers: []corev1.Container{container("plain", nil), container("hooked", preStops(20))}}, nil,
			time.Second, func(l *live, uid types.UID) { l.delete(uid, 30) },
			[]expectation{{"plain", "ended 143"}, {"hooked", "running 0"}},
		},
		{
			"a pod that is deleted while its image is pulled goes at once",
			corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, map[string]string{"pull-delay": "10m"},
			10 * time.Second, func(l *live, uid types.UID) { l.delete(uid, 30) }, []expectation{{"main", "gone"}},
		},
		{
			"a pod that is deleted while its sandbox is made goes at once",
			corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, map[string]string{"sandbox-delay": "10m"},
			10 * time.Second, func(l *live, uid types.UID) { l.delete(uid, 30) }, []expectation{{"main", "gone"}},
		},
		{
			"a pod that is deleted in its postStart hook has its container stopped",
			corev1.PodSpec{Containers: []corev1.Container{container("main", postStarts(600))}}, map[string]string{"stop-delay": "500ms"},
			10 * time.Second, func(l *live, uid types.UID) { l.delete(uid, 30) }, []expectation{{"main", "gone"}},
		},
		{
			"a shorter grace ends a stop that is under way",
			corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, map[string]string{"stop-delay": "10m"},
			time.Second, func(l *live, uid types.UID) {
				l.delete(uid, 300)
				time.Sleep(10 * time.Second)
				l.delete(uid, 1)
				time.Sleep(1500 * time.Millisecond) // with the second that every container gets besides
			}, []expectation{{"main", "gone"}},
		},
		{
			"a shorter grace ends a preStop hook",
			corev1.PodSpec{Containers: []corev1.Container{container("main", preStops(250))}}, nil,
			time.Second, func(l *live, uid types.UID) {
				l.delete(uid, 300)
				time.Sleep(10 * time.Second)
				l.delete(uid, 1)
			}, []expectation{{"main", "gone"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				defer func() { l.stop() }()
				uid := l.create("web", test.spec, test.annotations)
				time.Sleep(test.after)
				if test.happens != nil {
					test.happens(l, uid)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				for _, each := range test.want {
					if got := stateOf(l.get(uid), each.name); got != each.want {
						plan, err := Inspect(l.loop).Preview(t.Context(), "default/web")
						t.Errorf("container %s is %q, want %q; the plan is\n%s (%v); events %q", each.name, got, each.want, plan, err, l.events)
					}
				}
				for id, times := range l.hooks.ran {
					if times > 1 {
						t.Errorf("a hook of %s ran %d times", id, times)
					}
				}
			})
		})
	}
}

// TestAnyStoryEndsWellThoughAllTakesLong lets things go wrong while others are under way. See TestAnyStoryEndsWell.
func TestAnyStoryEndsWellThoughAllTakesLong(t *testing.T) {
	stories := uint64(150)
	if testing.Short() {
		stories = 20
	}
	for seed := range stories {
		t.Run(fmt.Sprint("story ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tellStory(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func tellStory(t *testing.T, random *rand.Rand) {
	l := newLive(t)
	defer func() { l.stop() }()
	l.runtime.stubborn = random.IntN(2) == 0
	for number := range 60 {
		uids := slices.Sorted(func(yield func(types.UID) bool) {
			for _, pod := range l.all() {
				if !yield(pod.UID) {
					return
				}
			}
		})
		var uid types.UID
		if len(uids) > 0 {
			uid = uids[random.IntN(len(uids))]
		}
		names := []string{"side", "init", "main", "second"}
		switch random.IntN(12) {
		case 0, 1:
			l.create(fmt.Sprint("pod-", number), slowPod(random), map[string]string{
				"pull-delay": delay(random), "sandbox-delay": delay(random), "create-delay": delay(random), "start-delay": delay(random),
				"stop-delay": delay(random), "run-for.init": "2s",
			})
		case 2:
			l.delete(uid, 60)
		case 3:
			l.delete(uid, 1)
		case 4, 5:
			l.kill(uid, names[random.IntN(len(names))])
		case 6:
			if sandboxes, _ := l.runtime.ListPodSandbox(t.Context(), nil); len(sandboxes) > 0 { // none while it is away
				l.runtime.KillSandbox(sandboxes[random.IntN(len(sandboxes))].Id)
			}
		case 7:
			l.restart()
		case 8:
			l.setDown(random.IntN(2) == 0)
		case 9:
			l.runtime.Break(map[bool]error{true: errors.New("the runtime is away")}[random.IntN(2) == 0])
		default:
			l.loop.Wake(uid)
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
	}
	l.runtime.Break(nil)
	l.setDown(false)
	if err := l.loop.CleanUpOrphanedPods(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Minute)
	for _, pod := range l.all() {
		if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
			plan, err := Inspect(l.loop).Preview(t.Context(), nameOf(pod))
			t.Errorf("pod %s, deleted at %v, is %s; the plan is\n%s (%v); the last were %+v", pod.Name, pod.DeletionTimestamp, pod.Status.Phase, plan, err,
				Inspect(l.loop).Recent(nameOf(pod)))
		}
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			if c.Name != "init" && l.running(pod.UID, c.Name) == "" {
				t.Errorf("container %s of pod %s does not run", c.Name, pod.Name)
			}
		}
	}
	sandboxes, err := l.runtime.ListPodSandbox(t.Context(), nil)
	if err != nil || len(sandboxes) != len(l.all()) || len(l.loop.Pods()) != len(l.all()) {
		t.Errorf("there are %d sandboxes, and the loop knows %d pods, of %d (%v)", len(sandboxes), len(l.loop.Pods()), len(l.all()), err)
	}
}

// slowPod is a pod of up to four containers, some with hooks.
func slowPod(random *rand.Rand) corev1.PodSpec {
	always := corev1.ContainerRestartPolicyAlways
	hooks := func(c *corev1.Container) {
		if random.IntN(3) == 0 {
			preStops(random.Int64N(40))(c)
		}
		if random.IntN(3) == 0 {
			postStarts(random.Int64N(5))(c)
		}
	}
	spec := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways, Containers: []corev1.Container{container("main", hooks)}}
	if random.IntN(2) == 0 {
		spec.Containers = append(spec.Containers, container("second", hooks))
	}
	if random.IntN(2) == 0 {
		spec.InitContainers = append(spec.InitContainers, container("side", func(c *corev1.Container) { hooks(c); c.RestartPolicy = &always }))
	}
	if random.IntN(2) == 0 {
		spec.InitContainers = append(spec.InitContainers, corev1.Container{Name: "init", Image: "init:1"})
	}
	return spec
}

func delay(random *rand.Rand) string {
	return fmt.Sprint(time.Duration(random.IntN(4)*random.IntN(1500)) * time.Millisecond)
}
