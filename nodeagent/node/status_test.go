package node

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func runtimeStatus(runtime, network bool) *runtimeapi.RuntimeStatus {
	return &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
		{Type: runtimeapi.RuntimeReady, Status: runtime, Reason: "R", Message: "m"},
		{Type: runtimeapi.NetworkReady, Status: network, Reason: "NetworkPluginNotReady", Message: "cni plugin not initialized"},
	}}
}

func TestReadyFollowsTheRuntime(t *testing.T) {
	for _, test := range []struct {
		name    string
		o       Observed
		status  corev1.ConditionStatus
		message string
	}{
		{"all is well", Observed{Runtime: runtimeStatus(true, true)}, corev1.ConditionTrue, "kubelet is posting ready status"},
		{"the runtime does not answer", Observed{RuntimeErrors: []error{errors.New("container runtime is down: x")}}, corev1.ConditionFalse, "container runtime is down: x"},
		{"the runtime does not answer any more", Observed{RuntimeErrors: []error{errors.New("container runtime is down: x")}, Runtime: runtimeStatus(true, false)},
			corev1.ConditionFalse, "[container runtime is down: x, container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized]"},
		{"the runtime does not say how it is", Observed{Runtime: &runtimeapi.RuntimeStatus{}}, corev1.ConditionFalse,
			"[container runtime not ready: the runtime does not report RuntimeReady, container runtime network not ready: the runtime does not report NetworkReady]"},
		{"there is no network yet", Observed{Runtime: runtimeStatus(true, false)}, corev1.ConditionFalse,
			"container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized"},
		{"neither", Observed{Runtime: runtimeStatus(false, false)}, corev1.ConditionFalse,
			"[container runtime not ready: RuntimeReady=false reason:R message:m, container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ready(&test.o)
			if got.Status != test.status || got.Message != test.message {
				t.Errorf("it is %s: %q, want %s: %q", got.Status, got.Message, test.status, test.message)
			}
		})
	}
}

func TestStatusChangesOnlyWhenItSaysSomethingNew(t *testing.T) {
	o := &Observed{
		Name: "n", IPs: []string{"192.0.2.1"}, Port: 10250, Runtime: runtimeStatus(true, true),
		Capacity: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourcePods: resource.MustParse("110")},
		Reserved: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
		Images: []*runtimeapi.Image{
			{Id: "small", RepoTags: []string{"s:1"}, Size: 1}, {Id: "large", RepoTags: []string{"l:1"}, RepoDigests: []string{"l@sha256:1"}, Size: 2}, {Id: "nameless", Size: 3},
		},
	}
	foreign := corev1.NodeCondition{Type: "NetworkUnavailable", Status: corev1.ConditionFalse}
	first := Status(o, &corev1.NodeStatus{Conditions: []corev1.NodeCondition{foreign}}, now)
	second := Status(o, &first, now.Add(time.Hour))
	if Changed(&first, &second) {
		t.Errorf("an hour later it says\n%+v\nand before\n%+v", second, first)
	}
	if !second.Conditions[1].LastHeartbeatTime.Equal(&second.Conditions[4].LastHeartbeatTime) || second.Conditions[4].LastTransitionTime != first.Conditions[4].LastTransitionTime {
		t.Errorf("the times are wrong: %+v", second.Conditions)
	}
	if second.Conditions[0] != foreign {
		t.Errorf("another's condition became %+v", second.Conditions[0])
	}
	if got := second.Allocatable[corev1.ResourceMemory]; got.String() != "924Mi" {
		t.Errorf("allocatable memory is %s", got.String())
	}
	if len(second.Images) != 2 || second.Images[0].Names[0] != "l@sha256:1" {
		t.Errorf("the images are %+v", second.Images)
	}
	o.RuntimeErrors = []error{errors.New("x")}
	if third := Status(o, &second, now.Add(2*time.Hour)); !Changed(&second, &third) {
		t.Error("a node that is not ready any more says nothing new")
	}
}

// Administrators advertise resources by patching the Node's status.
func TestResourcesThatOthersAdvertiseStay(t *testing.T) {
	quantity := resource.MustParse
	o := &Observed{
		Name: "n", Runtime: runtimeStatus(true, true), Reserved: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
		Capacity: corev1.ResourceList{corev1.ResourceCPU: quantity("4"), corev1.ResourceMemory: quantity("1Gi"), "example.com/own": quantity("1")},
	}
	last := corev1.NodeStatus{Capacity: corev1.ResourceList{
		corev1.ResourceCPU: quantity("2"), "hugepages-64Ki": quantity("0"), "example.com/foo": quantity("3"), "example.com/own": quantity("9"),
	}}
	got := Status(o, &last, now)
	for _, list := range []struct {
		name      string
		resources corev1.ResourceList
		memory    string
	}{{"capacity", got.Capacity, "1Gi"}, {"allocatable", got.Allocatable, "924Mi"}} {
		want := corev1.ResourceList{
			corev1.ResourceCPU: quantity("4"), corev1.ResourceMemory: quantity(list.memory), "example.com/own": quantity("1"), "example.com/foo": quantity("3"),
		}
		if !equality.Semantic.DeepEqual(list.resources, want) {
			t.Errorf("%s is %v, want %v", list.name, list.resources, want)
		}
	}
	if again := Status(o, &got, now); Changed(&got, &again) {
		t.Errorf("the next time the status is\n%+v\nand before\n%+v", again, got)
	}
}

func TestDevicesOfPluginsArePartOfTheNode(t *testing.T) {
	quantity := resource.MustParse
	o := &Observed{
		Name: "n", Runtime: runtimeStatus(true, true), Capacity: corev1.ResourceList{corev1.ResourceCPU: quantity("4")},
		Devices:            corev1.ResourceList{"example.com/gpu": quantity("3"), "example.com/gone": quantity("0")},
		AllocatableDevices: corev1.ResourceList{"example.com/gpu": quantity("2"), "example.com/gone": quantity("0")},
	}
	last := corev1.NodeStatus{Capacity: corev1.ResourceList{"example.com/gone": quantity("1"), "example.com/advertised": quantity("5")}}
	got := Status(o, &last, now)
	for name, want := range map[corev1.ResourceName][2]string{
		"example.com/gpu": {"3", "2"}, "example.com/gone": {"0", "0"}, "example.com/advertised": {"5", "5"}, corev1.ResourceCPU: {"4", "4"},
	} {
		capacity, allocatable := got.Capacity[name], got.Allocatable[name]
		if has := [2]string{capacity.String(), allocatable.String()}; has != want {
			t.Errorf("of %s there are %v, want %v", name, has, want)
		}
	}
}

func TestMachineTellsWhatItHas(t *testing.T) {
	capacity, err := MachineCapacity(t.TempDir())
	if err != nil {
		t.Skipf("this is not Linux: %v", err)
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage, corev1.ResourcePods} {
		if quantity := capacity[name]; quantity.Sign() <= 0 {
			t.Errorf("the machine has no %s", name)
		}
	}
	if info := MachineInfo(); info.KernelVersion == "" || info.OSImage == "" || info.BootID == "" {
		t.Errorf("the machine is %+v", info)
	}
}

func TestANodeSaysWhatItsRuntimeCanDo(t *testing.T) {
	o := &Observed{
		Handlers: []*runtimeapi.RuntimeHandler{
			{Name: "runc", Features: &runtimeapi.RuntimeHandlerFeatures{RecursiveReadOnlyMounts: true, UserNamespaces: true}}, {Name: ""},
		},
		Features: &runtimeapi.RuntimeFeatures{SupplementalGroupsPolicy: true},
	}
	s := Status(o, &corev1.NodeStatus{}, now)
	yes, no := true, false
	want := []corev1.NodeRuntimeHandler{
		{Name: "", Features: &corev1.NodeRuntimeHandlerFeatures{RecursiveReadOnlyMounts: &no, UserNamespaces: &no}},
		{Name: "runc", Features: &corev1.NodeRuntimeHandlerFeatures{RecursiveReadOnlyMounts: &yes, UserNamespaces: &yes}},
	}
	if !equality.Semantic.DeepEqual(s.RuntimeHandlers, want) {
		t.Errorf("its handlers are %v, want %v", s.RuntimeHandlers, want)
	}
	if s.Features == nil || !*s.Features.SupplementalGroupsPolicy {
		t.Errorf("its features are %v", s.Features)
	}
	if before := Status(&Observed{}, &corev1.NodeStatus{}, now); before.Features != nil || before.RuntimeHandlers != nil {
		t.Errorf("before the runtime has told, it says %v and %v", before.Features, before.RuntimeHandlers)
	}
}

func TestMemoryOfHugePagesIsNotHadTwice(t *testing.T) {
	capacity := corev1.ResourceList{
		corev1.ResourceMemory: resource.MustParse("1Gi"), "hugepages-2Mi": resource.MustParse("128Mi"), "hugepages-1Gi": resource.MustParse("0"),
	}
	reserved := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")}
	got := Allocatable(capacity, reserved)
	if memory, pages := got[corev1.ResourceMemory], got["hugepages-2Mi"]; memory.Value() != (1024-128-100)<<20 || pages.Value() != 128<<20 {
		t.Errorf("there are %s of memory and %s of huge pages", memory.String(), pages.String())
	}
	if memory := reserved[corev1.ResourceMemory]; memory.Value() != 100<<20 {
		t.Errorf("what is reserved became %s", memory.String())
	}
}
