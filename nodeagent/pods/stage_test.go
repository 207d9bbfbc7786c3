package pods

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

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
	// admit is the loop's, from the next restart on.
	admit func(*corev1.Pod, []*corev1.Pod) *status.Failure
	// held are the addresses for which network policies hold.
	held map[string]bool
}

func newStage(graceful bool) *stage {
	return newStageWith(graceful, testingclock.NewFakeClock(start), reliable)
}

func newStageWith(graceful bool, clock *testingclock.FakeClock, calls calls) *stage {
	s := &stage{calls: calls, clock: clock, grace: graceful, held: map[string]bool{}}
	wrong := func(what string) { s.wrongs = append(s.wrongs, what) }
	s.server = &server{calls: calls, pods: map[types.UID]*corev1.Pod{}, wrong: wrong}
	s.host = preparedHost{
		calls: calls, prepared: map[types.UID]bool{}, groups: map[types.UID]cgroups.Limits{}, checkpoints: map[types.UID][]byte{},
		used: map[types.UID]int64{}, wrong: wrong,
	}
	s.runtime = simulated.New(simulated.Options{Clock: s.clock})
	s.restart()
	return s
}

// restart starts the agent anew: all that it remembered is lost.
func (s *stage) restart() {
	if s.loop != nil {
		s.loop.probes.Stop()
	}
	runtime := frailRuntime{s.runtime, s.calls, s.server.wrong, s.held, s.host.groups}
	s.loop = New(Options{
		Agent: "node", Runtime: runtime, Protect: runtime.protect, Host: s.host, Hooks: s.runtime, Prober: s.runtime, API: s.server, Clock: s.clock,
		HostIPs: func() []string { return []string{"192.0.2.1"} }, Graceful: s.grace, Log: logr.Discard(), Admit: s.admit,
		Event: func(pod *corev1.Pod, container, _, reason, _ string) {
			s.log = append(s.log, strings.TrimSpace(fmt.Sprintf("%s %s %s", pod.Name, reason, container)))
		},
	})
	s.loop.engine = engine.New(syncLoop{s.loop}, engine.Options[types.UID]{Name: name, Clock: s.clock, Inline: true, Wake: func(types.UID) {}})
	for _, pod := range s.server.pods {
		s.loop.Set(pod)
	}
	s.loop.begin(context.Background())
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

// single fails when a container of a pod has two running instances or runs of a pod that is said to be over, or something was done that
// must never be.
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
		if pod := s.server.pods[types.UID(c.Labels[cri.LabelPodUID])]; pod != nil && status.Terminal(pod.Status.Phase) {
			return fmt.Errorf("pod %s is said to be %s, and container %s runs", pod.Name, pod.Status.Phase, key)
		}
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

// amounts are requests and limits of a container.
func amounts(cpu, memory string) corev1.ResourceRequirements {
	list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	return corev1.ResourceRequirements{Requests: list, Limits: list.DeepCopy()}
}

// resize changes the spec of a pod, unless that would make it one of another class.
func (s *stage) resize(uid types.UID, change func(*corev1.Pod)) {
	updated := s.server.pods[uid].DeepCopy()
	change(updated)
	if status.QOSClass(&updated.Spec) == status.QOSClass(&s.server.pods[uid].Spec) {
		updated.Generation++
		s.server.pods[uid] = updated
	}
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
			if strings.HasPrefix(rest+" ", reason+" ") {
				found = append(found, rest)
			}
		}
	}
	return strings.Join(found, ", ")
}
