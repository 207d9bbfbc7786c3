package pods

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

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
	if err != nil {
		t.Fatal(err)
	}
	ready := 0
	for _, sandbox := range sandboxes {
		if sandbox.State == runtimeapi.PodSandboxState_SANDBOX_READY {
			ready++
			continue
		}
		dead, err := l.runtime.ListContainers(t.Context(), &runtimeapi.ContainerFilter{PodSandboxId: sandbox.Id})
		if err != nil || len(dead) == 0 {
			t.Errorf("sandbox %s is kept for no container (%v)", sandbox.Id, err)
		}
	}
	if ready != len(l.all()) || len(l.loop.Pods()) != len(l.all()) {
		t.Errorf("there are %d sandboxes, and the loop knows %d pods, of %d", ready, len(l.loop.Pods()), len(l.all()))
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
