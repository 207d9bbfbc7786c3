package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/await"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/utils/ptr"
)

func TestNode(t *testing.T) {
	w := newCluster(t)
	t.Run("runs a pod that answers at its address", w.webPod)
	t.Run("gives a container its environment and volumes", w.configured)
	t.Run("gives a pod the volume that its claim is bound to", w.claimed)
	t.Run("is talked to by the second name of a pod", w.secondName)
	t.Run("runs init containers in order before the others", w.initialized)
	t.Run("tells how a pod ended, with its last words", w.ended)
	t.Run("says why an image cannot be had", w.noImage)
	t.Run("obeys what the Pod API says", w.obeyed)
	t.Run("gives a pod users of its own", w.ownUsers)
	t.Run("refuses what it does not obey", w.notObeyed)
	t.Run("resizes a pod while it runs", w.resized)
	t.Run("resizes a pod when there is room", w.deferred)
	t.Run("resizes a pod by starting its container anew, where that is to be", w.resizedByRestart)
	t.Run("does not take away memory that is in use", w.inUse)
	t.Run("goes on with a resize when the agent is started anew", w.resizedMeanwhile)
	t.Run("keeps what others say that the node has", w.advertised)
	t.Run("runs nothing as root that must not", w.nonRoot)
	t.Run("lets in whom the API server lets in", w.accessByToken)
	t.Run("starts a container again whose liveness probe fails", w.unhealthy)
	t.Run("leaves containers alone when the agent is started anew", w.adopted)
	t.Run("stops a pod that was deleted while the agent was away", w.deletedMeanwhile)
	t.Run("runs a static pod, and shows it", w.static)
	t.Run("runs a static pod without an API server", w.staticAlone)
	t.Run("evicts a pod when memory runs short, and lets none in", w.shortOfMemory)
	t.Run("ends its pods before its machine goes down", w.goesDown)
	t.Run("is not ready while its runtime hangs, and says why", w.hung)
}

// in runs a part of the test with the cluster's methods failing that part.
func (w *cluster) in(t *testing.T) *cluster {
	part := *w
	part.t = t
	return &part
}

func (w *cluster) webPod(t *testing.T) {
	p := w.in(t)
	began := time.Now()
	p.create("web", func(pod *corev1.Pod) {
		pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)},
		}}
	})
	pod := p.ready("web")
	if id := pod.Status.ContainerStatuses[0].ContainerID; !strings.HasPrefix(id, "containerd://") {
		t.Errorf("the container's ID is %s", id)
	}
	t.Logf("created to ready: %s", time.Since(began).Round(time.Millisecond))
	response, err := http.Get("http://" + pod.Status.PodIP + ":8080/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if closing := response.Body.Close(); err != nil || closing != nil || !strings.Contains(string(body), "web") {
		t.Errorf("the pod answered %q (%v, %v)", body, err, closing)
	}
	await.Success(p.t, "the request is in the log", func() error {
		log, err := p.log("web", &corev1.PodLogOptions{})
		if err == nil && !strings.Contains(log, "GET /") {
			err = fmt.Errorf("the log is %q", log)
		}
		return err
	})
	if out, err := p.exec("web", "/web", "env"); err != nil || !strings.Contains(out, "HOSTNAME=web") {
		t.Errorf("exec printed %q (%v)", out, err)
	}
	if took := p.remove("web"); took > 10*time.Second {
		t.Errorf("a server that ends at SIGTERM took %s to stop", took)
	}
}

func (w *cluster) log(pod string, options *corev1.PodLogOptions) (string, error) {
	raw, err := w.client.CoreV1().Pods("default").GetLogs(pod, options).DoRaw(w.t.Context())
	return string(raw), err
}

func (w *cluster) exec(pod string, command ...string) (string, error) {
	request := w.client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, clientgoscheme.ParameterCodec)
	executor, err := remotecommand.NewSPDYExecutor(w.admin, http.MethodPost, request.URL())
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var out, problems bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &problems})
	return out.String() + problems.String(), err
}

func (w *cluster) configured(t *testing.T) {
	p := w.in(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"colour": "blue"}}
	if _, err := p.client.CoreV1().ConfigMaps("default").Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "password"}, StringData: map[string]string{"word": "sesame"}}
	if _, err := p.client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.create("configured", func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"tier": "front"}
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}},
			{Name: "password", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "password"}}},
			{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
			{Name: "labels", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
			}}}},
		}
		c := &pod.Spec.Containers[0]
		c.VolumeMounts = []corev1.VolumeMount{
			{Name: "settings", MountPath: "/settings"}, {Name: "password", MountPath: "/password", ReadOnly: true},
			{Name: "scratch", MountPath: "/scratch"}, {Name: "labels", MountPath: "/about"},
		}
		c.Env = []corev1.EnvVar{
			{Name: "COLOUR", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "colour",
			}}},
			{Name: "ADDRESS", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "BOTH", Value: "$(COLOUR)@$(ADDRESS)"},
		}
	})
	pod := p.ready("configured")
	for _, check := range []struct {
		command []string
		want    string
	}{
		{[]string{"/web", "env"}, "BOTH=blue@" + pod.Status.PodIP},
		{[]string{"/web", "cat", "/settings/colour"}, "blue"},
		{[]string{"/web", "cat", "/password/word"}, "sesame"},
		{[]string{"/web", "cat", "/about/labels"}, `tier="front"`},
		{[]string{"/web", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/namespace"}, "default"},
		{[]string{"/web", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"}, "ey"},
		{[]string{"/web", "cat", "/etc/hosts"}, pod.Status.PodIP + "\tconfigured"},
	} {
		if out, err := p.exec("configured", check.command...); err != nil || !strings.Contains(out, check.want) {
			t.Errorf("%v printed %q (%v), want %q in it", check.command, out, err, check.want)
		}
	}
	config.Data["colour"] = "red"
	if _, err := p.client.CoreV1().ConfigMaps("default").Update(t.Context(), config, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	changed := time.Now()
	await.Success(t, "the pod sees the other colour", func() error {
		out, err := p.exec("configured", "/web", "cat", "/settings/colour")
		if err == nil && !strings.Contains(out, "red") {
			err = fmt.Errorf("it sees %q", out)
		}
		return err
	})
	if took := time.Since(changed); took > 15*time.Second { // and without a watch the refresh after a minute
		t.Errorf("it saw it after %s", took)
	}
	p.remove("configured")
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), string(pod.UID)) {
		t.Errorf("mounts of the pod are left (%v)", err)
	}
}

func (w *cluster) initialized(t *testing.T) {
	p := w.in(t)
	p.create("initialized", func(pod *corev1.Pod) {
		pod.Spec.InitContainers = []corev1.Container{
			{Name: "first", Image: image, Command: []string{"/web", "env"}},
			{Name: "sidecar", Image: image, Env: []corev1.EnvVar{{Name: "PORT", Value: "9090"}}, RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)},
			{Name: "second", Image: image, Command: []string{"/web", "wget", "http://127.0.0.1:9090/healthz"}},
		}
	})
	pod := p.ready("initialized")
	for i, name := range []string{"first", "sidecar", "second"} {
		s := pod.Status.InitContainerStatuses[i]
		if s.Name != name || !s.Ready {
			t.Errorf("init container %d is %+v, want %s to be ready", i, s, name)
		}
	}
	p.remove("initialized")
}

func (w *cluster) ended(t *testing.T) {
	p := w.in(t)
	p.create("ended", func(pod *corev1.Pod) {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		pod.Spec.Containers[0].Command = []string{"/web", "cat", "/nowhere"}
		pod.Spec.Containers[0].TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	})
	pod := p.phase("ended", corev1.PodFailed)
	state := pod.Status.ContainerStatuses[0].State.Terminated
	if state == nil || state.ExitCode != 1 || state.Reason != "Error" || !strings.Contains(state.Message, "/nowhere") {
		t.Errorf("the container ended as %+v", state)
	}
	await.Success(t, "the pod's files are gone", func() error {
		if _, err := os.Stat(filepath.Join(p.options.RootDir, "pods", string(pod.UID))); !os.IsNotExist(err) {
			return fmt.Errorf("they are there (%w)", err)
		}
		return nil
	})
	w.stopAgent()
	w.startAgent()
	label := []byte(`{"metadata":{"labels":{"look":"again"}}}`)
	if _, err := p.client.CoreV1().Pods("default").Patch(t.Context(), "ended", types.MergePatchType, label, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	p.create("after", nil)
	p.ready("after")
	p.remove("after")
	if now := p.get("ended").Status.ContainerStatuses[0].State.Terminated; now == nil || now.Message != state.Message || now.ContainerID != state.ContainerID {
		t.Errorf("when its files are gone the container ended as %+v", now)
	}
	if log, err := p.log("ended", &corev1.PodLogOptions{}); err != nil || !strings.Contains(log, "/nowhere") {
		t.Errorf("the log of a pod that is over is %q (%v)", log, err)
	}
	p.remove("ended")
}

func (w *cluster) noImage(t *testing.T) {
	p := w.in(t)
	p.create("imageless", func(pod *corev1.Pod) { pod.Spec.Containers[0].Image = "registry.invalid/nothing:1" })
	for _, reason := range []string{"ErrImagePull", "ImagePullBackOff"} {
		await.Success(p.t, "the container waits because of "+reason, func() error {
			statuses := p.get("imageless").Status.ContainerStatuses
			if len(statuses) == 0 {
				return fmt.Errorf("there is no status")
			}
			if s := statuses[0].State; s.Waiting == nil || s.Waiting.Reason != reason {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
	}
	p.remove("imageless")
}

func (w *cluster) unhealthy(t *testing.T) {
	p := w.in(t)
	p.create("unhealthy", func(pod *corev1.Pod) {
		pod.Spec.Containers[0].LivenessProbe = &corev1.Probe{
			PeriodSeconds: 1, FailureThreshold: 1, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/web", "cat", "/nowhere"}}},
		}
	})
	await.Success(p.t, "the container was started again", func() error {
		pod := p.get("unhealthy")
		for _, s := range pod.Status.ContainerStatuses {
			if s.RestartCount > 0 && s.LastTerminationState.Terminated != nil {
				return nil
			}
		}
		return fmt.Errorf("%+v; %s", pod.Status.ContainerStatuses, p.events("unhealthy"))
	})
	if log, err := p.log("unhealthy", &corev1.PodLogOptions{Previous: true}); err != nil || log == "" {
		t.Errorf("the log of the instance before is %q (%v)", log, err)
	}
	p.remove("unhealthy")
}

func (w *cluster) adopted(t *testing.T) {
	p := w.in(t)
	p.create("kept", nil)
	before := p.ready("kept")
	w.stopAgent()
	w.startAgent()
	p.create("new", nil)
	p.ready("new")
	after := p.get("kept")
	if b, a := before.Status.ContainerStatuses[0], after.Status.ContainerStatuses[0]; a.ContainerID != b.ContainerID || a.RestartCount != 0 || !a.Ready {
		t.Errorf("the container was %s, and is %+v", b.ContainerID, a)
	}
	p.remove("kept")
	p.remove("new")
}

func (w *cluster) deletedMeanwhile(t *testing.T) {
	p := w.in(t)
	p.create("orphan", nil)
	pod := p.ready("orphan")
	w.stopAgent()
	now := int64(0)
	if err := p.client.CoreV1().Pods("default").Delete(t.Context(), "orphan", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	w.startAgent()
	await.Success(p.t, "nothing answers at the pod's address", func() error {
		client := http.Client{Timeout: time.Second}
		response, err := client.Get("http://" + pod.Status.PodIP + ":8080/")
		if err != nil {
			return nil //nolint:nilerr // that is what is waited for
		}
		return fmt.Errorf("it answers (%w)", response.Body.Close())
	})
}

// hung stops the runtime's process: it neither answers nor refuses.
func (w *cluster) hung(t *testing.T) {
	p := w.in(t)
	runtime, err := os.FindProcess(w.runtime.Status().PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := runtime.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goOn := sync.OnceValue(func() error { return runtime.Signal(syscall.SIGCONT) })
	t.Cleanup(func() {
		if err := goOn(); err != nil {
			t.Error(err)
		}
	})
	await.Success(p.t, "the node is not ready", func() error {
		return p.nodeReady(corev1.ConditionFalse, "container runtime is down: no answer since ")
	})
	lease, err := w.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), nodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if age := time.Since(lease.Spec.RenewTime.Time); age > 20*time.Second {
		t.Errorf("the lease was not renewed for %s", age)
	}
	if err := goOn(); err != nil {
		t.Fatal(err)
	}
	await.Success(p.t, "the node is ready again", func() error { return p.nodeReady(corev1.ConditionTrue, "") })
}

func (w *cluster) nodeReady(status corev1.ConditionStatus, message string) error {
	node, err := w.client.CoreV1().Nodes().Get(w.t.Context(), nodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == status && strings.Contains(c.Message, message) {
			return nil
		}
	}
	return fmt.Errorf("it says %+v", node.Status.Conditions)
}
