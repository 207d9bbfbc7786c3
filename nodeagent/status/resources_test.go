package status

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// listOf reads a list such as "cpu=1 memory=2Mi"; "" is none.
func listOf(text string) (list corev1.ResourceList) {
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		if list == nil {
			list = corev1.ResourceList{}
		}
		list[corev1.ResourceName(name)] = resource.MustParse(value)
	}
	return list
}

func spelled(r *corev1.ResourceRequirements) string {
	part := func(list corev1.ResourceList) string {
		return fmt.Sprintf("%s %s", list.Cpu(), list.Memory())
	}
	return part(r.Requests) + " " + part(r.Limits)
}

func TestContainersShowWhatTheyHave(t *testing.T) {
	says := func(shares, quota, memory int64) *runtimeapi.LinuxContainerResources {
		return &runtimeapi.LinuxContainerResources{CpuShares: shares, CpuQuota: quota, CpuPeriod: 100000, MemoryLimitInBytes: memory}
	}
	for _, test := range []struct {
		name             string
		requests, limits string
		runtime          *runtimeapi.LinuxContainerResources
		given            Amounts
		last             *corev1.ResourceRequirements
		want             string // CPU and memory of requests and limits
	}{
		{"what the runtime says, not what was allocated", "cpu=200m memory=64Mi", "cpu=200m memory=64Mi", says(102, 10000, 32<<20), Amounts{MemoryRequest: 16 << 20}, nil, "100m 16Mi 100m 32Mi"},
		{"nothing that was not asked for", "cpu=200m", "", says(204, 10000, 32<<20), Amounts{}, nil, "200m 0 0 0"},
		{"what was asked for where the kernel knows nothing so small", "cpu=1m", "cpu=5m", says(2, 1000, 0), Amounts{}, nil, "1m 0 5m 0"},
		{"but not where more was asked for", "cpu=4m", "cpu=20m", says(2, 1000, 0), Amounts{}, nil, "2m 0 10m 0"},
		{"what was given where the runtime says nothing", "cpu=200m memory=64Mi", "memory=64Mi", nil, Amounts{CPURequest: 100, MemoryRequest: 32 << 20, MemoryLimit: 32 << 20}, nil, "100m 32Mi 0 32Mi"},
		{"what was told before where nobody knows", "cpu=200m", "memory=64Mi", nil, Amounts{}, &corev1.ResourceRequirements{Requests: listOf("cpu=100m"), Limits: listOf("memory=32Mi")}, "100m 0 0 32Mi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := running("main")
			c.Resources = test.runtime
			spec := &corev1.Container{Name: "main", Resources: corev1.ResourceRequirements{Requests: listOf(test.requests), Limits: listOf(test.limits)}}
			in := &Input{Given: map[string]Amounts{c.ID: test.given}}
			last := &corev1.ContainerStatus{ContainerID: c.ContainerID(), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, Resources: test.last}
			if got := spelled(in.resources(spec, &c, last)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			c.State = runtimeapi.ContainerState_CONTAINER_EXITED
			if got := spelled(in.resources(spec, &c, last)); got != spelled(&spec.Resources) {
				t.Errorf("one that has ended shows %s, want what it is to be started with", got)
			}
		})
	}
}

func TestAPodWithLimitsOfItsOwnShowsWhatItHas(t *testing.T) {
	p := pod(func(p *corev1.Pod) {
		p.Spec.Resources = &corev1.ResourceRequirements{Requests: listOf("cpu=200m"), Limits: listOf("cpu=400m memory=64Mi")}
		p.Spec.Containers[0].Resources.Requests = listOf("memory=8Mi")
	})
	group := Amounts{CPURequest: 100, CPULimit: 300, MemoryLimit: 32 << 20}
	before := Compute(Input{Pod: p, Group: group}, now)
	if got, want := spelled(before.Resources), "200m 8Mi 400m 64Mi"; got != want {
		t.Errorf("before it runs it shows %s, want %s", got, want)
	}
	after := Compute(Input{Pod: p, Group: group, Runtime: observed(running("main")), Probes: passing}, now)
	if got, want := spelled(after.Resources), "100m 8Mi 300m 32Mi"; got != want || after.AllocatedResources.Cpu().String() != "200m" {
		t.Errorf("when it runs it shows %s, and was allocated %v; want %s", got, after.AllocatedResources, want)
	}
	if plain := Compute(Input{Pod: pod(), Group: group, Runtime: observed(running("main"))}, now); plain.Resources != nil || plain.AllocatedResources != nil {
		t.Error("a pod without any shows some")
	}
}

func TestResizeConditions(t *testing.T) {
	at := func(in Input, last *corev1.PodStatus) corev1.PodStatus {
		in.Pod, in.Last, in.Runtime, in.Probes = pod(func(p *corev1.Pod) { p.Generation = 3 }), last, observed(running("main")), passing
		return Compute(in, now)
	}
	deferred := at(Input{ResizePending: &Failure{Reason: corev1.PodReasonDeferred, Message: "no room"}}, nil)
	c := condition(deferred.Conditions, corev1.PodResizePending)
	if c == nil || c.Status != corev1.ConditionTrue || c.Reason != corev1.PodReasonDeferred || c.Message != "no room" || c.ObservedGeneration != 3 {
		t.Errorf("a deferred one says %+v", c)
	}
	later := now.Add(60e9)
	failed := Compute(Input{Pod: pod(), Last: &deferred, Runtime: cri.Pod{}, ResizeInProgress: &Resize{Generation: 2, Error: "busy"}}, later)
	c = condition(failed.Conditions, corev1.PodResizeInProgress)
	if c == nil || c.Reason != corev1.PodReasonError || c.Message != "busy" || c.ObservedGeneration != 2 || condition(failed.Conditions, corev1.PodResizePending) != nil {
		t.Errorf("one that fails says %+v", failed.Conditions)
	}
	going := Compute(Input{Pod: pod(), Last: &failed, ResizeInProgress: &Resize{Generation: 2}}, later.Add(60e9))
	if c = condition(going.Conditions, corev1.PodResizeInProgress); c == nil || c.Reason != "" || !c.LastTransitionTime.After(later) {
		t.Errorf("one that goes on says %+v", c)
	}
	over := Compute(Input{Pod: pod(), Failure: &Failure{Reason: "Evicted"}, ResizeInProgress: &Resize{Generation: 2}}, now)
	if c = condition(over.Conditions, corev1.PodResizeInProgress); c != nil {
		t.Errorf("a pod that is over says %+v", c)
	}
}
