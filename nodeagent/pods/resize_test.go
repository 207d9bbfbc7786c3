package pods

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// one is a container for a table of resizes: what it has, as CPU and memory, and what it is to have.
type one struct {
	name, has, wants string
	policies         []corev1.ContainerResizePolicy
}

func requirements(cpuAndMemory string) (r corev1.ResourceRequirements) {
	cpu, memory, _ := strings.Cut(cpuAndMemory, "/")
	for name, value := range map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory} {
		if value != "" {
			if r.Limits == nil {
				r.Requests, r.Limits = corev1.ResourceList{}, corev1.ResourceList{}
			}
			r.Requests[name], r.Limits[name] = resource.MustParse(value), resource.MustParse(value)
		}
	}
	return r
}

// resized is a world whose containers run with what they had, and are to have something else.
func resized(containers ...one) *World {
	before := &corev1.Pod{}
	w := &World{Pod: &corev1.Pod{}, Resized: &checkpoint{Generation: 2}}
	w.Runtime.Sandboxes = []cri.Sandbox{{ID: "sandbox", Ready: true}}
	for _, c := range containers {
		spec := corev1.Container{Name: c.name, Resources: requirements(c.has), ResizePolicy: c.policies}
		before.Spec.Containers = append(before.Spec.Containers, spec)
		w.Runtime.Containers = append(w.Runtime.Containers, cri.Container{
			ID: "id-" + c.name, SandboxID: "sandbox", Name: c.name, State: runtimeapi.ContainerState_CONTAINER_RUNNING,
			Annotations: map[string]string{cri.AnnotationResources: AmountsOf(before, &spec).Annotation()},
		})
		spec.Resources = requirements(c.wants)
		w.Pod.Spec.Containers = append(w.Pod.Spec.Containers, spec)
	}
	w.Resized.Group = cgroups.Of(&before.Spec)
	return w
}

// begun says that a call was begun for what has an ID, "" for the group, and not seen to end.
func begun(w *World, id string) *World {
	w.Resized.Begun = &id
	return w
}

func TestTheOrderOfAResize(t *testing.T) {
	restarts := func(name corev1.ResourceName) []corev1.ContainerResizePolicy {
		return []corev1.ContainerResizePolicy{{ResourceName: name, RestartPolicy: corev1.RestartContainer}}
	}
	for _, test := range []struct {
		name  string
		world *World
		want  []string
	}{
		{"nothing where all is as allocated", resized(one{name: "a", has: "100m/32Mi", wants: "100m/32Mi"}), nil},
		{"more memory: the group first", resized(one{name: "a", has: "100m/32Mi", wants: "100m/64Mi"}),
			[]string{"group 102 10000 64Mi", "a 100m/64Mi"}},
		{"less memory: the group last", resized(one{name: "a", has: "100m/64Mi", wants: "100m/32Mi"}),
			[]string{"a 100m/32Mi", "group 102 10000 32Mi"}},
		{"more of both: all of memory before CPU, and quota before shares", resized(one{name: "a", has: "100m/32Mi", wants: "200m/64Mi"}),
			[]string{"group 102 10000 64Mi", "a 100m/64Mi", "group 102 20000 64Mi", "group 204 20000 64Mi", "a 200m/64Mi"}},
		{"less CPU: shares before quota, after the container", resized(one{name: "a", has: "200m/32Mi", wants: "100m/32Mi"}),
			[]string{"a 100m/32Mi", "group 102 20000 32Mi", "group 102 10000 32Mi"}},
		{"one gives to another: who gives comes first", resized(one{name: "a", has: "100m/32Mi", wants: "100m/64Mi"}, one{name: "b", has: "100m/64Mi", wants: "100m/32Mi"}),
			[]string{"b 100m/32Mi", "a 100m/64Mi"}},
		{"limits are added: that is less than none", resized(one{name: "a", has: "/32Mi", wants: "100m/32Mi"}),
			[]string{"group 102 none 32Mi", "a 100m/32Mi", "group 102 10000 32Mi"}},
		{"a container that has to be started anew is left out, and the group grows for it", resized(one{name: "a", has: "100m/32Mi", wants: "100m/64Mi", policies: restarts(corev1.ResourceMemory)}),
			[]string{"group 102 10000 64Mi"}},
		{"but does not shrink below it", resized(one{name: "a", has: "100m/64Mi", wants: "100m/32Mi", policies: restarts(corev1.ResourceMemory)}), nil},
		{"the policy of the other resource does not count", resized(one{name: "a", has: "100m/32Mi", wants: "200m/32Mi", policies: restarts(corev1.ResourceMemory)}),
			[]string{"group 102 20000 32Mi", "group 204 20000 32Mi", "a 200m/32Mi"}},
		{"what may have been changed gets again what is kept of it", begun(resized(one{name: "a", has: "100m/32Mi", wants: "100m/32Mi"}), "id-a"),
			[]string{"a 100m/32Mi"}},
		{"and then what it is to have", begun(resized(one{name: "a", has: "100m/64Mi", wants: "100m/32Mi"}), "id-a"),
			[]string{"a 100m/64Mi", "a 100m/32Mi", "group 102 10000 32Mi"}},
		{"and so does the group", begun(resized(one{name: "a", has: "100m/32Mi", wants: "100m/32Mi"}), ""),
			[]string{"group 102 10000 32Mi"}},
		{"a container that may have been changed and is gone does not", begun(resized(one{name: "a", has: "100m/32Mi", wants: "100m/32Mi"}), "id-b"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, call := range test.world.changes() {
				if call.id == "" {
					got = append(got, fmt.Sprintf("group %d %s %s", call.group.Shares, orNone(call.group.Quota), resource.NewQuantity(call.group.Memory, resource.BinarySI)))
				} else {
					got = append(got, fmt.Sprintf("%s %dm/%s", call.container, call.amounts.CPULimit, resource.NewQuantity(call.amounts.MemoryLimit, resource.BinarySI)))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("the calls are\n  %s, want\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
		})
	}
}

func TestWhatACallMayHaveChangedIsKeptAsTheLarger(t *testing.T) {
	kept := &checkpoint{Group: cgroups.Limits{Shares: 102, Quota: 10000, Period: 100000, Memory: 64 << 20}}
	change{group: cgroups.Limits{Shares: 204, Quota: 0, Period: 100000, Memory: 32 << 20}}.begin(kept)
	if want := (cgroups.Limits{Shares: 204, Quota: 0, Period: 100000, Memory: 64 << 20}); kept.Group != want || kept.Begun == nil || *kept.Begun != "" {
		t.Errorf("the group is kept as %+v, begun %v; want %+v", kept.Group, kept.Begun, want)
	}
	a := Amounts{CPURequest: 100, CPULimit: 200, MemoryRequest: 1, MemoryLimit: 2}
	b := Amounts{CPURequest: 50, CPULimit: 0, MemoryRequest: 2, MemoryLimit: 1}
	call := change{container: "a", id: "id", before: a, amounts: b}
	call.begin(kept)
	if want := (Amounts{CPURequest: 100, CPULimit: 0, MemoryRequest: 2, MemoryLimit: 2}); kept.Containers["id"] != want || *kept.Begun != "id" {
		t.Errorf("the container is kept as %s, begun %v; want %s", kept.Containers["id"], *kept.Begun, want)
	}
	if call.note(kept); kept.Containers["id"] != b || kept.Begun != nil {
		t.Errorf("after the call the container is kept as %s, begun %v; want %s, nil", kept.Containers["id"], kept.Begun, b)
	}
}

func TestAResizeIsFinishedWhenNothingIsBeingStarted(t *testing.T) {
	for _, test := range []struct {
		name  string
		tasks []string
		want  string
	}{
		{"all have what they are to have", nil, "[finish the resize]"},
		{"one that is being started may have been begun with less", []string{startTask + "b"}, "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := resized(one{name: "a", has: "100m/32Mi", wants: "100m/32Mi"})
			w.Tasks = test.tasks
			d := &decision{World: w, plan: &engine.Plan[*actor]{}}
			d.resize()
			if got := fmt.Sprint(d.steps); got != test.want {
				t.Errorf("the steps are %s, want %s", got, test.want)
			}
		})
	}
}

func TestResizes(t *testing.T) {
	resizeTo := func(cpu, memory string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Spec.Containers[0].Resources = amounts(cpu, memory) }
	}
	begin := func(t *testing.T, s *stage, change func(*corev1.Pod)) (uid func() *corev1.Pod) {
		id := s.create("web", func(pod *corev1.Pod) {
			pod.Generation = 1
			pod.Spec.Containers[0].Resources = amounts("100m", "32Mi")
			if change != nil {
				change(pod)
			}
		})
		turn(t, s)
		return func() *corev1.Pod { return s.server.pods[id] }
	}
	t.Run("a container gets more while it runs, and its status follows the runtime", func(t *testing.T) {
		s := newStage(true)
		pod := begin(t, s, nil)
		s.resize(pod().UID, resizeTo("200m", "64Mi"))
		turn(t, s)
		c := pod().Status.ContainerStatuses[0]
		if c.RestartCount != 0 || c.Resources.Limits.Memory().String() != "64Mi" || c.Resources.Limits.Cpu().String() != "200m" || c.AllocatedResources.Cpu().String() != "200m" {
			t.Errorf("its status is %+v", c)
		}
		if got := s.told("ResizeStarted", "ResizeCompleted"); got != "ResizeStarted, ResizeCompleted" {
			t.Errorf("the events are %s", got)
		}
		if got := resizeCondition(pod()); got != "" {
			t.Errorf("it still says %s", got)
		}
	})
	t.Run("what cannot be done now stays in progress with the error, and is tried again", func(t *testing.T) {
		s := newStage(true)
		pod := begin(t, s, nil)
		s.host.used[pod().UID] = 30 << 20
		s.resize(pod().UID, resizeTo("100m", "16Mi"))
		turn(t, s)
		want := "PodResizeInProgress Error 2 cannot decrease memory limits: attempting to set pod memory limit (16777216) below current usage (31457280)"
		if got := resizeCondition(pod()); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
		s.restart() // what has to be done is not forgotten
		s.host.used[pod().UID] = 1 << 20
		s.clock.Step(retryStart)
		turn(t, s)
		if got := resizeCondition(pod()); got != "" || s.host.groups[pod().UID].Memory != 16<<20 {
			t.Errorf("when there is less in use, it says %q, and the group has %d", got, s.host.groups[pod().UID].Memory)
		}
	})
	t.Run("a resize that is accepted while the one before is carried out outlives the agent", func(t *testing.T) {
		s := newStage(true)
		pod := begin(t, s, nil)
		for _, cpu := range []string{"200m", "400m"} {
			s.resize(pod().UID, resizeTo(cpu, "64Mi"))
			if err := s.turn(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := decode(s.host.checkpoints[pod().UID])
		if err != nil {
			t.Fatal(err)
		}
		if _, asSpecified := kept.Allocated.of(pod()); !asSpecified {
			t.Errorf("what is kept is %+v", kept.Allocated.Containers)
		}
	})
	t.Run("a container whose policy says so is started anew, though it ended well", func(t *testing.T) {
		s := newStage(true)
		pod := begin(t, s, func(pod *corev1.Pod) {
			pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
			pod.Spec.Containers[0].ResizePolicy = []corev1.ContainerResizePolicy{{ResourceName: corev1.ResourceMemory, RestartPolicy: corev1.RestartContainer}}
		})
		s.resize(pod().UID, resizeTo("100m", "64Mi"))
		turn(t, s)
		c := pod().Status.ContainerStatuses[0]
		if c.RestartCount != 1 || c.State.Running == nil || c.Resources.Limits.Memory().String() != "64Mi" {
			t.Errorf("its status is %+v", c)
		}
		if got := s.told("Started", "Killing"); got != "Started main, Killing main, Started main" {
			t.Errorf("it went %s", got)
		}
	})
}

// turn passes until all is done.
func turn(t *testing.T, s *stage) {
	t.Helper()
	if err := s.turn(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
}

// resizeCondition is what the pod says about its resize.
func resizeCondition(pod *corev1.Pod) string {
	var found []string
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress {
			found = append(found, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", c.Type, c.Reason, c.ObservedGeneration, c.Message)))
		}
	}
	return strings.Join(found, "; ")
}

// TestNoContainerEverHasMoreThanItsPod makes the calls of any resize one by one.
func TestNoContainerEverHasMoreThanItsPod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := []string{"", "100m/", "/16Mi", "100m/16Mi", "200m/32Mi", "400m/64Mi"}
		var containers []one
		for i := range rapid.IntRange(1, 4).Draw(t, "containers") {
			containers = append(containers, one{
				name: fmt.Sprint("c", i), has: rapid.SampledFrom(sizes).Draw(t, "has"), wants: rapid.SampledFrom(sizes).Draw(t, "wants"),
			})
		}
		w := resized(containers...)
		has := map[string]Amounts{}
		for _, r := range w.resizable() {
			has[r.instance.ID] = w.has(r.instance, r.spec)
		}
		group := w.Resized.Group
		for _, call := range w.changes() {
			if call.id == "" {
				group = call.group
			} else {
				has[call.id] = call.amounts
			}
			for id, amounts := range has {
				quota, _ := cgroups.Quota(amounts.CPULimit)
				if limited := amounts.MemoryLimit > 0 && more(amounts.MemoryLimit, group.Memory) || quota > 0 && more(quota, group.Quota); limited {
					t.Fatalf("after %s container %s has %s, more than its group %+v", call, id, amounts, group)
				}
			}
		}
		if group != cgroups.Of(&w.Pod.Spec) {
			t.Fatalf("in the end the group has %+v, want %+v", group, cgroups.Of(&w.Pod.Spec))
		}
		for _, r := range w.resizable() {
			if wants := AmountsOf(w.Pod, r.spec); has[r.instance.ID] != wants {
				t.Fatalf("in the end container %s has %s, want %s", r.spec.Name, has[r.instance.ID], wants)
			}
		}
	})
}
