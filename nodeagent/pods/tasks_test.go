package pods

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

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

// mounting has a container that mounts an image, and one that does not.
func mounting(image string) corev1.PodSpec {
	return corev1.PodSpec{
		Volumes: []corev1.Volume{{Name: "model", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}}}},
		Containers: []corev1.Container{container("main", func(c *corev1.Container) {
			c.VolumeMounts = []corev1.VolumeMount{{Name: "model", MountPath: "/model"}}
		}), container("other", nil)},
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
			"a container that mounts an image runs once that is there", mounting("registry.example/model:1"), map[string]string{"pull-delay": "5s"},
			20 * time.Second, nil, []expectation{{"main", "running 0"}, {"other", "running 0"}},
		},
		{
			"a container whose volume's image cannot be pulled waits for it, and no other does", mounting("registry.invalid/model:1"), nil,
			5 * time.Second, nil, []expectation{{"main", "ImagePullBackOff"}, {"other", "running 0"}},
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
