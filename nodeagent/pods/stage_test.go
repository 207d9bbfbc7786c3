package pods

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// calls is how a call that changes something is made, which may go wrong.
type calls func(what string, do func() error) error

// reliable makes every call.
func reliable(_ string, do func() error) error { return do() }

// server stands for an API server that can be away. It is the edge of our code, and nothing of it is under test.
type server struct {
	calls
	pods map[types.UID]*corev1.Pod
	down bool
	// wrong is told what must never be done.
	wrong func(what string)
}

var errAway = errors.New("the API server is away")

func (s *server) WriteStatus(_ context.Context, pod *corev1.Pod, wanted *corev1.PodStatus) error {
	if s.down {
		return errAway
	}
	return s.calls("writing the status of pod "+pod.Name, func() error {
		if found := s.pods[pod.UID]; found != nil {
			updated := found.DeepCopy()
			updated.Status = *wanted.DeepCopy()
			s.pods[pod.UID] = updated
		}
		return nil
	})
}

func (s *server) Delete(_ context.Context, pod *corev1.Pod) error {
	if s.down {
		return errAway
	}
	return s.calls("removing pod "+pod.Name, func() error {
		if found := s.pods[pod.UID]; found != nil {
			for _, c := range found.Status.ContainerStatuses {
				if c.State.Running != nil {
					s.wrong("pod " + pod.Name + " was removed while its status said that it runs")
				}
			}
		}
		delete(s.pods, pod.UID)
		return nil
	})
}

// frailRuntime is a runtime whose calls may go wrong.
type frailRuntime struct {
	*simulated.Runtime
	calls
	wrong func(what string)
}

func (r frailRuntime) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (id string, err error) {
	err = r.calls("creating a sandbox", func() error {
		id, err = r.Runtime.RunPodSandbox(ctx, config, handler)
		return err
	})
	return id, err
}

func (r frailRuntime) StopPodSandbox(ctx context.Context, id string) error {
	return r.calls("stopping a sandbox", func() error {
		containers, err := r.ListContainers(ctx, &runtimeapi.ContainerFilter{PodSandboxId: id})
		if err != nil {
			return err
		}
		for _, c := range containers {
			if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING {
				r.wrong("sandbox " + id + " was stopped under container " + c.Metadata.Name)
			}
		}
		return r.Runtime.StopPodSandbox(ctx, id)
	})
}

func (r frailRuntime) RemovePodSandbox(ctx context.Context, id string) error {
	return r.calls("removing a sandbox", func() error { return r.Runtime.RemovePodSandbox(ctx, id) })
}

func (r frailRuntime) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, pod *runtimeapi.PodSandboxConfig) (id string, err error) {
	err = r.calls("creating a container", func() error {
		id, err = r.Runtime.CreateContainer(ctx, sandbox, config, pod)
		return err
	})
	return id, err
}

func (r frailRuntime) StartContainer(ctx context.Context, id string) error {
	return r.calls("starting a container", func() error { return r.Runtime.StartContainer(ctx, id) })
}

func (r frailRuntime) StopContainer(ctx context.Context, id string, timeout int64) error {
	return r.calls("stopping a container", func() error { return r.Runtime.StopContainer(ctx, id, timeout) })
}

func (r frailRuntime) RemoveContainer(ctx context.Context, id string) error {
	return r.calls("removing a container", func() error { return r.Runtime.RemoveContainer(ctx, id) })
}

// plainHost has no disk.
type plainHost struct{}

func (plainHost) Prepare(context.Context, *corev1.Pod, []string) error { return nil }
func (plainHost) CleanUp(context.Context, *corev1.Pod) error           { return nil }
func (plainHost) RemoveLogs(*corev1.Pod) error                         { return nil }
func (plainHost) ListPodsFromDisk() ([]string, error)                  { return nil, nil }
func (plainHost) ReadTerminationMessages([]cri.Container)              {}
func (plainHost) Credentials(context.Context, *corev1.Pod, string) ([]*runtimeapi.AuthConfig, error) {
	return nil, nil
}

func (plainHost) Sandbox(_ context.Context, pod *corev1.Pod) (*runtimeapi.PodSandboxConfig, string, error) {
	return &runtimeapi.PodSandboxConfig{
		Metadata:    &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID)},
		Labels:      map[string]string{cri.LabelPodUID: string(pod.UID), cri.LabelPodName: pod.Name, cri.LabelPodNamespace: pod.Namespace},
		Annotations: pod.Annotations,
	}, "", nil
}

func (plainHost) Container(_ context.Context, pod *corev1.Pod, spec *corev1.Container, of ContainerOf) (*runtimeapi.ContainerConfig, error) {
	return &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: spec.Name, Attempt: uint32(of.Restarts)},
		Image:       &runtimeapi.ImageSpec{Image: of.Image, UserSpecifiedImage: spec.Image},
		Labels:      map[string]string{cri.LabelPodUID: string(pod.UID), cri.LabelContainerName: spec.Name},
		Annotations: map[string]string{cri.AnnotationRestartCount: fmt.Sprint(of.Restarts), cri.AnnotationHash: Hash(spec)},
	}, nil
}

// preparedHost has no disk, but knows for which pods it would have something there.
type preparedHost struct {
	plainHost
	prepared map[types.UID]bool
	wrong    func(what string)
}

func (h preparedHost) Prepare(_ context.Context, pod *corev1.Pod, _ []string) error {
	h.prepared[pod.UID] = true
	return nil
}

func (h preparedHost) CleanUp(_ context.Context, pod *corev1.Pod) error {
	delete(h.prepared, pod.UID)
	return nil
}

func (h preparedHost) RemoveLogs(pod *corev1.Pod) error {
	if h.prepared[pod.UID] {
		h.wrong("pod " + pod.Name + " was forgotten before it was cleaned up")
	}
	return nil
}

func (h preparedHost) Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, of ContainerOf) (*runtimeapi.ContainerConfig, error) {
	if !h.prepared[pod.UID] {
		h.wrong("container " + spec.Name + " of pod " + pod.Name + " was made without its volumes")
	}
	return h.plainHost.Container(ctx, pod, spec, of)
}

// stage is a node on a stepped clock, whose loop is driven by hand.
type stage struct {
	calls
	clock   *testingclock.FakeClock
	runtime *simulated.Runtime
	host    preparedHost
	server  *server
	loop    *Loop
	log     []string
	grace   bool
	made    int
	tell    func(format string, args ...any)
	// wrongs are what must never be done and was.
	wrongs []string
}

func newStage(graceful bool) *stage {
	return newStageWith(graceful, testingclock.NewFakeClock(start), reliable)
}

func newStageWith(graceful bool, clock *testingclock.FakeClock, calls calls) *stage {
	s := &stage{calls: calls, clock: clock, grace: graceful}
	wrong := func(what string) { s.wrongs = append(s.wrongs, what) }
	s.server = &server{calls: calls, pods: map[types.UID]*corev1.Pod{}, wrong: wrong}
	s.host = preparedHost{prepared: map[types.UID]bool{}, wrong: wrong}
	s.runtime = simulated.New(simulated.Options{Clock: s.clock})
	s.restart()
	return s
}

// restart starts the agent anew: all that it remembered is lost.
func (s *stage) restart() {
	if s.loop != nil {
		s.loop.probes.Stop()
	}
	s.loop = New(Options{
		Agent: "node", Runtime: frailRuntime{s.runtime, s.calls, s.server.wrong}, Host: s.host, Hooks: s.runtime, Prober: s.runtime, API: s.server, Clock: s.clock,
		HostIPs: func() []string { return []string{"192.0.2.1"} }, Graceful: s.grace, Log: logr.Discard(),
		Event: func(pod *corev1.Pod, container, _, reason, _ string) {
			s.log = append(s.log, strings.TrimSpace(fmt.Sprintf("%s %s %s", pod.Name, reason, container)))
		},
	})
	s.loop.engine = engine.New(syncLoop{s.loop}, engine.Options[types.UID]{Name: name, Clock: s.clock, Inline: true, Wake: func(types.UID) {}})
	for _, pod := range s.server.pods {
		s.loop.Set(pod)
	}
}

// hear tells the loop what the server has, and what is left of pods that it does not have.
func (s *stage) hear(ctx context.Context) {
	_ = s.loop.CleanUpOrphanedPods(ctx) // the runtime may be away
	for uid, w := range s.loop.workers {
		if s.server.pods[uid] == nil && !w.orphan {
			s.loop.Remove(uid)
		}
	}
	for _, pod := range s.server.pods {
		s.loop.Set(pod)
	}
}

// turn tells the loop what the server has and passes once over every pod, until nothing changes or the rounds are over.
func (s *stage) turn(ctx context.Context, rounds int) error {
	for range rounds {
		s.hear(ctx)
		for uid := range s.loop.workers {
			s.loop.engine.Pass(ctx, uid)
			if err := s.single(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// single fails when a container of a pod has two running instances, or something was done that must never be.
func (s *stage) single(ctx context.Context) error {
	if len(s.wrongs) > 0 {
		return errors.New(s.wrongs[0])
	}
	containers, err := s.runtime.ListContainers(ctx, nil)
	if err != nil {
		return nil //nolint:nilerr // the runtime is away: there is nothing to see
	}
	seen := map[string]string{}
	for _, c := range containers {
		if c.State != runtimeapi.ContainerState_CONTAINER_RUNNING {
			continue
		}
		key := c.Labels[cri.LabelPodUID] + "/" + c.Metadata.Name
		if other := seen[key]; other != "" {
			return fmt.Errorf("container %s runs twice: %s and %s", key, other, c.Id)
		}
		seen[key] = c.Id
	}
	return nil
}

func (s *stage) create(name string, change func(*corev1.Pod)) types.UID {
	s.made++
	uid := types.UID(fmt.Sprintf("uid-%s-%d", name, s.made))
	grace := int64(30)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: uid}}
	pod.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyAlways, TerminationGracePeriodSeconds: &grace,
		Containers: []corev1.Container{{Name: "main", Image: "image:1"}},
	}
	if change != nil {
		change(pod)
	}
	s.server.pods[uid] = pod
	return uid
}

// delete asks for a pod's end as the API under the naming does.
func (s *stage) delete(uid types.UID) {
	pod := s.server.pods[uid]
	if pod == nil {
		return
	}
	if !s.grace {
		delete(s.server.pods, uid)
		return
	}
	updated := pod.DeepCopy()
	now := metav1.NewTime(s.clock.Now())
	updated.DeletionTimestamp, updated.DeletionGracePeriodSeconds = &now, updated.Spec.TerminationGracePeriodSeconds
	s.server.pods[uid] = updated
}

func (s *stage) phase(uid types.UID) corev1.PodPhase {
	if pod := s.server.pods[uid]; pod != nil {
		return pod.Status.Phase
	}
	return ""
}

func (s *stage) running(ctx context.Context) []*runtimeapi.Container {
	all, _ := s.runtime.ListContainers(ctx, nil)
	var found []*runtimeapi.Container
	for _, c := range all {
		if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING {
			found = append(found, c)
		}
	}
	return found
}

// told returns the events of some reasons, in order.
func (s *stage) told(reasons ...string) string {
	var found []string
	for _, line := range s.log {
		_, rest, _ := strings.Cut(line, " ")
		for _, reason := range reasons {
			if strings.HasPrefix(rest, reason+" ") {
				found = append(found, rest)
			}
		}
	}
	return strings.Join(found, ", ")
}
