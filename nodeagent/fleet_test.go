package nodeagent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/go-logr/logr/testr"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/nodeagent/node"
)

const deadline = 30 * time.Second

// eventually waits until check returns "", and says otherwise what it returned last.
func eventually(t *testing.T, what string, check func() string) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(deadline)
	for {
		seen := check()
		if seen == "" {
			return
		}
		select {
		case <-timeout:
			t.Fatalf("waiting until %s: %s", what, seen)
		case <-ticker.C:
		}
	}
}

func startServer(t *testing.T) (*rest.Config, kubernetes.Interface) {
	t.Helper()
	config := testserver.Config(t, testserver.Start(t, apiserver.Options{Ephemeral: true, TwoNames: true}), identity.Admin)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	testserver.CreateServiceAccount(t, client)
	return config, client
}

func run(t *testing.T, start func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("running the nodes: %v", err)
		}
	})
}

// TestFleet runs simulated nodes under both namings, on one server: the objects are the same, and are looked at under the names that
// kubectl sees.
func TestFleet(t *testing.T) {
	config, client := startServer(t)
	for _, naming := range apis.Namings() {
		t.Run("under the naming "+naming.String(), func(t *testing.T) {
			prefix := naming.String() + "-"
			fleet, err := nodeagent.NewFleet(nodeagent.FleetOptions{Config: config, Nodes: 3, NamePrefix: prefix, Naming: naming, Log: testr.New(t)})
			if err != nil {
				t.Fatal(err)
			}
			run(t, fleet.Run)
			for i := range 3 {
				registered(t, client, fmt.Sprintf("%s%d", prefix, i))
			}
			f := &fixture{client, prefix}
			t.Run("runs a pod with an address, and lets go of it when it is deleted", f.runsPod)
			t.Run("puts a status right that somebody else has changed", f.rightsStatus)
			t.Run("runs a pod to its end", f.runsToTheEnd)
			t.Run("starts a container again that crashed", func(t *testing.T) { f.restarts(t, fleet) })
			t.Run("says why an image cannot be had", f.noImage)
			t.Run("waits for a ConfigMap that is not there", f.noConfig)
			t.Run("refuses the second of two pods that it has room for one of", f.noRoom)
		})
	}
}

func registered(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	eventually(t, name+" is ready", func() string {
		node, err := client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && c.Reason == "KubeletReady" {
				return ""
			}
		}
		return fmt.Sprint(node.Status.Conditions)
	})
	eventually(t, name+" has a lease", func() string {
		_, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		return ""
	})
}

type fixture struct {
	client kubernetes.Interface
	prefix string
}

func (f *fixture) rightsStatus(t *testing.T) {
	pod := create(t, f.client, "slandered-"+f.prefix+"pod", f.prefix+"2", nil)
	eventually(t, "the pod is ready", func() string { return notReady(t, f.client, pod.Name) })
	slander := []byte(`{"status":{"conditions":[{"type":"Ready","status":"False","reason":"NodeNotReady"}]}}`)
	changed, err := f.client.CoreV1().Pods("default").Patch(t.Context(), pod.Name, types.StrategicMergePatchType, slander, metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod is ready again", func() string {
		if get(t, f.client, pod.Name).ResourceVersion == changed.ResourceVersion {
			return "it is as it was left"
		}
		return notReady(t, f.client, pod.Name)
	})
}

func (f *fixture) runsPod(t *testing.T) {
	pod := create(t, f.client, "web-"+f.prefix+"pod", f.prefix+"1", nil)
	eventually(t, "the pod is ready", func() string { return notReady(t, f.client, pod.Name) })
	found := get(t, f.client, pod.Name)
	if found.Status.PodIP == "" || found.Status.HostIP != "127.0.0.1" || found.Status.QOSClass != corev1.PodQOSBestEffort {
		t.Errorf("pod has address %q on %q", found.Status.PodIP, found.Status.HostIP)
	}
	if err := f.client.CoreV1().Pods("default").Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod is gone", func() string {
		_, err := f.client.CoreV1().Pods("default").Get(t.Context(), pod.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return fmt.Sprintf("still there: %v", err)
	})
}

func (f *fixture) runsToTheEnd(t *testing.T) {
	pod := create(t, f.client, "job-"+f.prefix+"pod", f.prefix+"2", func(p *corev1.Pod) {
		p.Annotations = map[string]string{"simulated.orrery.dev/run-for": "100ms"}
		p.Spec.RestartPolicy = corev1.RestartPolicyNever
	})
	eventually(t, "the pod succeeded", func() string {
		if found := get(t, f.client, pod.Name); found.Status.Phase != corev1.PodSucceeded {
			return fmt.Sprint(found.Status)
		}
		return ""
	})
}

func (f *fixture) restarts(t *testing.T, fleet *nodeagent.Fleet) {
	node := f.prefix + "0"
	pod := create(t, f.client, "crash-"+f.prefix+"pod", node, nil)
	eventually(t, "the pod is ready", func() string { return notReady(t, f.client, pod.Name) })
	_, id, _ := strings.Cut(get(t, f.client, pod.Name).Status.ContainerStatuses[0].ContainerID, "://")
	fleet.Runtime(node).Kill(id, 137, "OOMKilled")
	eventually(t, "the container runs again", func() string {
		status := get(t, f.client, pod.Name).Status.ContainerStatuses[0]
		last := status.LastTerminationState.Terminated
		if status.RestartCount == 1 && status.Ready && last != nil && last.Reason == "OOMKilled" {
			return ""
		}
		return fmt.Sprintf("%+v", status)
	})
	plans := fleet.Inspector()
	eventually(t, "there is nothing to do about the pod", func() string {
		if plan, err := plans.Preview(t.Context(), "default/"+pod.Name); err != nil || !strings.HasPrefix(plan, "nothing to do") {
			return fmt.Sprintf("%s (%v)", plan, err)
		}
		return ""
	})
	if last := plans.Recent("default/" + pod.Name); len(last) == 0 || !strings.Contains(fmt.Sprint(last), "start container main: it ended with exit code 137") {
		t.Errorf("what was done last about the pod is %v", last)
	}
}

func (f *fixture) noImage(t *testing.T) {
	pod := create(t, f.client, "imageless-"+f.prefix+"pod", f.prefix+"0", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "registry.invalid/x:1" })
	for _, reason := range []string{"ErrImagePull", "ImagePullBackOff"} {
		f.waiting(t, pod.Name, reason)
	}
}

func (f *fixture) noConfig(t *testing.T) {
	name := "settings-" + f.prefix + "x"
	pod := create(t, f.client, "config-"+f.prefix+"pod", f.prefix+"0", func(p *corev1.Pod) {
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: name},
		}}}
	})
	f.waiting(t, pod.Name, "CreateContainerConfigError")
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := f.client.CoreV1().ConfigMaps("default").Create(t.Context(), settings, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod is ready", func() string { return notReady(t, f.client, pod.Name) })
}

// Two schedulers that do not know of each other assign like this. Which pod comes first is chance.
func (f *fixture) noRoom(t *testing.T) {
	large := func(p *corev1.Pod) {
		half := node.SimulatedCapacity()[corev1.ResourceCPU]
		half.SetMilli(half.MilliValue()/2 + 1)
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: half}
	}
	for _, name := range []string{"one-", "two-"} {
		create(t, f.client, name+f.prefix+"pod", f.prefix+"1", large)
	}
	eventually(t, "one pod is ready and the other was refused", func() string {
		one, two := get(t, f.client, "one-"+f.prefix+"pod"), get(t, f.client, "two-"+f.prefix+"pod")
		if one.Status.Phase == corev1.PodFailed {
			one, two = two, one
		}
		if notReady(t, f.client, one.Name) == "" && two.Status.Phase == corev1.PodFailed && two.Status.Reason == "OutOfcpu" &&
			len(two.Status.ContainerStatuses) == 0 && strings.HasPrefix(two.Status.Message, "Pod was rejected: Node didn't have enough resource: cpu, requested: ") {
			return ""
		}
		return fmt.Sprintf("%+v; %+v", one.Status, two.Status)
	})
}

func (f *fixture) waiting(t *testing.T, pod, reason string) {
	t.Helper()
	eventually(t, "the container waits because of "+reason, func() string {
		statuses := get(t, f.client, pod).Status.ContainerStatuses
		if len(statuses) == 1 && statuses[0].State.Waiting != nil && statuses[0].State.Waiting.Reason == reason {
			return ""
		}
		return fmt.Sprintf("%+v", statuses)
	})
}

func create(t *testing.T, client kubernetes.Interface, name, node string, change func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	pod.Spec.NodeName = node
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "registry.orrery.dev/web:1"}}
	if change != nil {
		change(pod)
	}
	created, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func get(t *testing.T, client kubernetes.Interface, name string) *corev1.Pod {
	t.Helper()
	pod, err := client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func notReady(t *testing.T, client kubernetes.Interface, name string) string {
	t.Helper()
	pod := get(t, client, name)
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pod.Status.Phase == corev1.PodRunning {
			return ""
		}
	}
	return fmt.Sprintf("%s %+v %+v", pod.Status.Phase, pod.Status.Conditions, pod.Status.ContainerStatuses)
}
