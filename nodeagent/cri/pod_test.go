package cri_test

import (
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// node is a simulated runtime on which pods are made by hand.
type node struct {
	*simulated.Runtime
	t     *testing.T
	clock *testingclock.FakeClock
}

func newNode(t *testing.T) *node {
	clock := testingclock.NewFakeClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	return &node{Runtime: simulated.New(simulated.Options{Clock: clock, Images: []string{"image:1"}}), t: t, clock: clock}
}

// sandbox makes a sandbox of a pod for an agent, a second after whatever was made before.
func (n *node) sandbox(agent, uid string, attempt uint32) (string, *runtimeapi.PodSandboxConfig) {
	n.t.Helper()
	n.clock.Step(time.Second)
	config := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Uid: uid, Attempt: attempt},
		Labels:   map[string]string{cri.LabelPodUID: uid, cri.LabelAgent: agent},
	}
	id, err := n.RunPodSandbox(n.t.Context(), config, "")
	if err != nil {
		n.t.Fatal(err)
	}
	return id, config
}

// container makes and starts a container in a sandbox.
func (n *node) container(sandbox string, pod *runtimeapi.PodSandboxConfig, name string, restarts uint32) string {
	n.t.Helper()
	n.clock.Step(time.Second)
	id, err := n.CreateContainer(n.t.Context(), sandbox, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: name, Attempt: restarts}, Labels: pod.Labels,
		Image: &runtimeapi.ImageSpec{Image: "image:1", UserSpecifiedImage: "image"},
		Annotations: map[string]string{
			cri.AnnotationHash: "hash", cri.AnnotationRestartCount: "7", cri.AnnotationTerminationMessagePath: "/dev/termination-log",
		},
		Mounts: []*runtimeapi.Mount{{ContainerPath: "/etc/hosts", HostPath: "/other"}, {ContainerPath: "/dev/termination-log", HostPath: "/host/log"}},
	}, pod)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.StartContainer(n.t.Context(), id); err != nil {
		n.t.Fatal(err)
	}
	return id
}

func TestReadPodReadsAllOfOnePodAndNothingElse(t *testing.T) {
	n := newNode(t)
	old, config := n.sandbox("node", "pod", 0)
	first := n.container(old, config, "main", 0)
	n.KillSandbox(old)
	young, config := n.sandbox("node", "pod", 1)
	second := n.container(young, config, "main", 1)
	foreign, foreignConfig := n.sandbox("another agent", "pod", 2)
	n.container(foreign, foreignConfig, "main", 0)
	other, otherConfig := n.sandbox("node", "another pod", 0)
	n.container(other, otherConfig, "main", 0)

	pod, err := cri.ReadPod(t.Context(), n, "node", "pod")
	if err != nil {
		t.Fatal(err)
	}
	if len(pod.Sandboxes) != 2 || pod.Sandboxes[0].ID != young || pod.Sandboxes[1].ID != old || pod.Ready() == nil || pod.Ready().ID != young || len(pod.Ready().IPs) != 1 {
		t.Errorf("the sandboxes are %+v, want the newest first and with an address", pod.Sandboxes)
	}
	if len(pod.Containers) != 2 || pod.Latest("main").ID != second || pod.LatestIn(old, "main").ID != first || pod.Latest("other") != nil {
		t.Errorf("the containers are %+v, want the newest first", pod.Containers)
	}
	if !pod.AnyRunning() || !pod.Latest("main").Running() || !pod.LatestIn(old, "main").Exited() || pod.Latest("main").Created() {
		t.Errorf("the containers are %+v, want the newest to run and the other to have ended", pod.Containers)
	}
	c := pod.Latest("main")
	if c.ContainerID() != "simulated://"+second || c.Hash != "hash" || c.Restarts != 7 || c.Image != "image" || c.TerminationLog != "/host/log" || !c.Started.Equal(c.CreatedAt) || !c.Finished.IsZero() {
		t.Errorf("the container is %+v", c)
	}
}

func TestAPodOfWhichNothingIsThereIsNotReady(t *testing.T) {
	pod, err := cri.ReadPod(t.Context(), newNode(t), "node", "pod")
	if err != nil || pod.Ready() != nil || pod.AnyRunning() || len(pod.Sandboxes)+len(pod.Containers) > 0 {
		t.Errorf("the pod is %+v (%v)", pod, err)
	}
}
