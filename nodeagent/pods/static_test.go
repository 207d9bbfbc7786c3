package pods

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/simulated"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// staticPod is a pod of a manifest with a hash.
func staticPod(name, hash string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(hash), Annotations: map[string]string{
			"kubernetes.io/config.source": "file", annotationHash: hash,
		}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyAlways, Containers: []corev1.Container{container("main", nil)}, TerminationGracePeriodSeconds: ptr.To[int64](30),
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
}

// computed is the status of a pod that the loop has computed last.
func (l *live) computed(uid types.UID) *corev1.PodStatus {
	for _, pod := range l.loop.Pods() {
		if pod.UID == uid {
			return &pod.Status
		}
	}
	return &corev1.PodStatus{}
}

func settle() {
	time.Sleep(10 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
	synctest.Wait()
}

func TestAStaticPodRunsBeforeThePodsOfTheAPIAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		l.stop()
		l.known = make(chan struct{})
		l.start()
		defer func() { l.stop() }()
		l.loop.Set(staticPod("own", "a"))
		other := l.create("other", corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, nil)
		settle()
		if l.running("a", "main") == "" || l.running(other, "main") != "" {
			t.Errorf("of the static pod runs %q, of the other %q", l.running("a", "main"), l.running(other, "main"))
		}
		close(l.known)
		settle()
		if l.running(other, "main") == "" {
			t.Error("the other one does not run when all are known")
		}
		if phase := l.computed("a").Phase; phase != corev1.PodRunning {
			t.Errorf("the static pod is %s", phase)
		}
	})
}

func TestAStaticPodWhoseManifestComesBackRunsAgainWhenItHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		pod := staticPod("own", "a")
		pod.Annotations[simulated.AnnotationPrefix+"stop-delay"] = "5s"
		l.loop.Set(pod)
		settle()
		first := l.running("a", "main")
		l.loop.Remove("a")
		if found, ending := l.loop.Static(types.NamespacedName{Namespace: "default", Name: "own"}); found != nil || !ending {
			t.Errorf("when its manifest is gone the static pod is %v, ending: %t", found, ending)
		}
		l.loop.Set(pod)
		if found, _ := l.loop.Static(types.NamespacedName{Namespace: "default", Name: "own"}); found == nil {
			t.Error("when its manifest is back there is no static pod")
		}
		time.Sleep(3 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		if l.running("a", "main") != first {
			t.Error("it did not get its grace")
		}
		settle()
		settle()
		if again := l.running("a", "main"); again == "" || again == first {
			t.Errorf("container %q ran, and %q runs", first, again)
		}
		if s := l.computed("a"); s.Phase != corev1.PodRunning || s.ContainerStatuses[0].RestartCount != 1 {
			t.Errorf("it is %s, and was restarted %d times", s.Phase, s.ContainerStatuses[0].RestartCount)
		}
	})
}

func TestAChangedManifestTakesThePlaceOfTheOneBefore(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprintf("the agent was restarted meanwhile: %t", restarted), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				defer func() { l.stop() }()
				before := staticPod("own", "a")
				before.Annotations[simulated.AnnotationPrefix+"stop-delay"] = "20s"
				l.loop.Set(before)
				settle()
				if restarted {
					l.stop()
					l.static = []*corev1.Pod{staticPod("own", "b")}
					l.start()
				} else {
					l.loop.Remove("a")
					l.loop.Set(staticPod("own", "b"))
				}
				settle()
				if l.running("a", "main") == "" || l.running("b", "main") != "" {
					t.Errorf("while the one before ends, of it runs %q, and of the new one %q", l.running("a", "main"), l.running("b", "main"))
				}
				settle()
				settle()
				if l.running("a", "main") != "" || l.running("b", "main") == "" {
					t.Errorf("in the end of the one before runs %q, and of the new one %q", l.running("a", "main"), l.running("b", "main"))
				}
			})
		})
	}
}

func TestARestartOfTheAgentLeavesStaticPodsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		l.static = []*corev1.Pod{staticPod("own", "a")}
		l.restart()
		settle()
		before := l.running("a", "main")
		l.restart()
		settle()
		if after := l.running("a", "main"); before == "" || after != before {
			t.Errorf("container %q ran, and %q runs", before, after)
		}
	})
}

func TestTheStatusOfAStaticPodIsWrittenWhereItHasAMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		l.loop.Set(staticPod("own", "a"))
		settle()
		if len(l.written) != 0 {
			t.Errorf("without a mirror %v was written", l.written)
		}
		own := types.NamespacedName{Namespace: "default", Name: "own"}
		l.loop.Mirrored(own, "another", &corev1.PodStatus{})
		settle()
		if len(l.written) != 0 {
			t.Errorf("with the mirror of another manifest %v was written", l.written)
		}
		l.loop.Mirrored(own, "a", &corev1.PodStatus{Phase: corev1.PodPending})
		settle()
		if got := strings.Join(l.written, " "); got != "own=Running" {
			t.Errorf("with its mirror %q was written", got)
		}
	})
}

func TestACriticalPodStartsWhenOthersHaveMadeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		l.stop()
		l.admit = func(_ *corev1.Pod, others []*corev1.Pod) *status.Failure {
			if len(others) > 0 {
				return &status.Failure{Reason: "OutOfcpu", Message: "no room"}
			}
			return nil
		}
		l.preempt = func(_ *corev1.Pod, others []*corev1.Pod) []*corev1.Pod { return others }
		l.start()
		defer func() { l.stop() }()
		other := l.create("other", corev1.PodSpec{
			Containers: []corev1.Container{container("main", nil)}, TerminationGracePeriodSeconds: ptr.To[int64](60),
		}, map[string]string{"stop-delay": "20s"})
		settle()
		l.loop.Set(staticPod("own", "a"))
		settle()
		if l.running("a", "main") != "" || l.running(other, "main") == "" {
			t.Errorf("while the other ends, of it runs %q, and of the critical one %q", l.running(other, "main"), l.running("a", "main"))
		}
		settle()
		settle()
		pod := l.get(other)
		if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason != "Preempting" || !disrupted(pod) {
			t.Errorf("the other one is %s (%s), disrupted: %t", pod.Status.Phase, pod.Status.Reason, disrupted(pod))
		}
		if l.running("a", "main") == "" {
			t.Error("the critical one does not run")
		}
		if got := strings.Join(l.events, ", "); !strings.Contains(got, "other Preempting") {
			t.Errorf("the events are %s", got)
		}
	})
}
