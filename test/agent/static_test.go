package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// manifest is that of a static pod.
const manifest = `apiVersion: v1
kind: Pod
metadata: {name: own}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: web
    image: registry.orrery.dev/web:1
    env: [{name: VERSION, value: "%s"}]
`

// mirror is the name of its mirror.
const mirror = "own-" + nodeName

func (w *cluster) manifest(text string) {
	w.t.Helper()
	file := filepath.Join(w.options.Configuration.StaticPodPath, "own.yaml")
	err := os.Remove(file)
	if text != "" {
		err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// mirrored waits for a mirror that is ready and not the one before.
func (w *cluster) mirrored(before types.UID) *corev1.Pod {
	w.t.Helper()
	await.Success(w.t, "there is another mirror", func() error {
		pod, err := w.client.CoreV1().Pods("default").Get(w.t.Context(), mirror, metav1.GetOptions{})
		if err == nil && pod.UID == before {
			err = fmt.Errorf("it is the one before: %+v", pod.Status)
		}
		return err
	})
	return w.ready(mirror)
}

// static does what upstream's conformance tests of mirror pods do.
func (w *cluster) static(t *testing.T) {
	p := w.in(t)
	p.manifest(fmt.Sprintf(manifest, "1"))
	first := p.mirrored("")
	node, err := p.client.CoreV1().Nodes().Get(t.Context(), nodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if owner := metav1.GetControllerOf(first); owner == nil || owner.Kind != "Node" || owner.UID != node.UID {
		t.Errorf("it belongs to %v", owner)
	}
	if first.Annotations["kubernetes.io/config.source"] != "file" || first.Annotations["kubernetes.io/config.mirror"] != first.Annotations["kubernetes.io/config.hash"] {
		t.Errorf("its annotations are %v", first.Annotations)
	}
	if first.Generation != 1 || first.Status.ObservedGeneration != 0 {
		t.Errorf("its generation is %d, and %d was observed", first.Generation, first.Status.ObservedGeneration)
	}
	for _, grace := range []int64{30, 0} {
		before := p.get(mirror)
		if err := p.client.CoreV1().Pods("default").Delete(t.Context(), mirror, *metav1.NewDeleteOptions(grace)); err != nil {
			t.Fatal(err)
		}
		if after := p.mirrored(before.UID); instance(after) != instance(first) {
			t.Errorf("when its mirror was deleted with a grace of %ds the static pod was restarted", grace)
		}
	}
	w.stopAgent()
	w.startAgent()
	p.create("new", nil) // when it is ready, the agent knows all pods
	p.ready("new")
	p.remove("new")
	if after := p.ready(mirror); instance(after) != instance(first) || after.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Error("when the agent was started anew the static pod was restarted")
	}
	before := p.get(mirror)
	p.manifest(fmt.Sprintf(manifest, "2"))
	second := p.mirrored(before.UID)
	if got := second.Spec.Containers[0].Env[0].Value; got != "2" || instance(second) == instance(first) {
		t.Errorf("of the changed manifest runs version %s in %s", got, instance(second))
	}
	p.manifest("")
	p.manifest(fmt.Sprintf(manifest, "2"))
	await.Success(p.t, "the pod runs again whose manifest came back", func() error {
		found, err := p.client.CoreV1().Pods("default").Get(t.Context(), mirror, metav1.GetOptions{})
		if err == nil && (len(found.Status.ContainerStatuses) != 1 || found.Status.ContainerStatuses[0].RestartCount != 1 || found.Status.ContainerStatuses[0].State.Running == nil) {
			err = fmt.Errorf("it is %+v", found.Status.ContainerStatuses)
		}
		return err
	})
	p.manifest("")
	p.unmirrored()
}

func (w *cluster) unmirrored() {
	w.t.Helper()
	await.Success(w.t, "the mirror is gone", func() error {
		_, err := w.client.CoreV1().Pods("default").Get(w.t.Context(), mirror, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
}

func instance(pod *corev1.Pod) string {
	if len(pod.Status.ContainerStatuses) == 0 {
		return ""
	}
	return pod.Status.ContainerStatuses[0].ContainerID
}

// staticAlone runs a static pod, though no API server answers, and shows it when one does.
func (w *cluster) staticAlone(t *testing.T) {
	p := w.in(t)
	w.stopAgent()
	own := strings.NewReplacer("spec:", "spec:\n  hostNetwork: true", "web:1", "pause:1") // a server's port of the host may be taken
	p.manifest(own.Replace(fmt.Sprintf(manifest, "1")))
	w.startAgentWithoutServer()
	runtime, err := cri.Connect(t.Context(), w.options.CRIEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	running := ""
	await.Success(p.t, "the static pod runs", func() error {
		found, err := runtime.ListContainers(t.Context(), &runtimeapi.ContainerFilter{
			LabelSelector: map[string]string{cri.LabelPodName: mirror}, State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
		})
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("there are %d containers", len(found))
		}
		if err == nil {
			running = found[0].Id
		}
		return err
	})
	w.stopAgent()
	w.startAgent()
	if got := instance(p.mirrored("")); got != "containerd://"+running {
		t.Errorf("when the API server was back %s runs, and before did %s", got, running)
	}
	p.manifest("")
	p.unmirrored()
}
