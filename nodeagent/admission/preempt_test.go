package admission

import (
	"cmp"
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	"k8s.io/kubernetes/pkg/kubelet/preemption"
	"pgregory.net/rapid"
)

// TestVictimsAreUpstreams compares with the kubelet's choice of pods that leave for a critical one.
func TestVictimsAreUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(most int, what string) int64 { return int64(rapid.IntRange(0, most).Draw(t, what)) }
		pod := func(name string) *corev1.Pod {
			p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name)}}
			p.Spec.Containers = []corev1.Container{{Name: "c"}}
			list := corev1.ResourceList{}
			if cpu := number(8, "CPU"); cpu > 0 {
				list[corev1.ResourceCPU] = *resource.NewMilliQuantity(cpu*100, resource.DecimalSI)
			}
			if memory := number(8, "memory"); memory > 0 {
				list[corev1.ResourceMemory] = *resource.NewQuantity(memory<<20, resource.BinarySI)
			}
			p.Spec.Containers[0].Resources.Requests = list
			if rapid.Bool().Draw(t, "limits") {
				p.Spec.Containers[0].Resources.Limits = list
			}
			if priority := number(3, "priority"); priority > 0 {
				p.Spec.Priority = new(int32(1_999_999_998 + priority))
			}
			return p
		}
		critical := pod("critical")
		critical.Spec.Priority = new(int32(2_000_001_000))
		var others []*corev1.Pod
		for i := range number(8, "others") {
			others = append(others, pod(string(rune('a'+i))))
		}
		allocatable := corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(number(20, "CPU of the node")*100, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(number(20, "memory of the node")<<20, resource.BinarySI),
			corev1.ResourcePods:   *resource.NewQuantity(number(9, "pods of the node"), resource.DecimalSI),
		}
		ours := namesOf(Victims(allocatable)(critical, others))
		theirs := namesOf(upstreams(critical, others, shortages(critical, others, allocatable)))
		if !slices.Equal(ours, theirs) {
			t.Fatalf("we have %v leave, upstream %v", ours, theirs)
		}
	})
}

// upstreams are the pods that a kubelet has leave for what is missing.
func upstreams(pod *corev1.Pod, others []*corev1.Pod, missing needs) (killed []*corev1.Pod) {
	var reasons []lifecycle.PredicateFailureReason
	for name, quantity := range missing {
		reasons = append(reasons, &lifecycle.InsufficientResourceError{ResourceName: name, Requested: quantity})
	}
	handler := preemption.NewCriticalPodAdmissionHandler(
		func() []*corev1.Pod { return slices.Clone(others) },
		func(pod *corev1.Pod, _ bool, _ *int64, _ func(*corev1.PodStatus)) error {
			killed = append(killed, pod)
			return nil
		},
		&record.FakeRecorder{},
	)
	_, _ = handler.HandleAdmissionFailure(context.Background(), pod, reasons, lifecycle.AddOperation) // an error has killed none
	return killed
}

func namesOf(pods []*corev1.Pod) (all []string) {
	for _, pod := range pods {
		all = append(all, pod.Name)
	}
	slices.SortFunc(all, cmp.Compare[string])
	return all
}

func TestWhoLeavesForACriticalPod(t *testing.T) {
	of := func(name, cpu string, priority int32) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
		p.Spec.Priority = &priority
		p.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}}}
		return p
	}
	const system = 2_000_000_000
	node := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourcePods: resource.MustParse("3")}
	for _, test := range []struct {
		name   string
		pod    *corev1.Pod
		others []*corev1.Pod
		want   []string
	}{
		{"nobody where there is room", of("new", "500m", system), []*corev1.Pod{of("a", "500m", 0)}, nil},
		{"one that is enough alone", of("new", "500m", system), []*corev1.Pod{of("a", "200m", 0), of("b", "600m", 0)}, []string{"b"}},
		{"both where one is not enough", of("new", "900m", system), []*corev1.Pod{of("a", "400m", 0), of("b", "500m", 0)}, []string{"a", "b"}},
		{"nobody for what the node never has", of("new", "2", system), []*corev1.Pod{of("a", "500m", 0)}, nil},
		{"nobody who is as critical", of("new", "800m", system), []*corev1.Pod{of("a", "500m", system)}, nil},
		{"one that is critical, but less", of("new", "800m", system+1000), []*corev1.Pod{of("a", "500m", system)}, []string{"a"}},
		{"one, so that there is a place", of("new", "100m", system), []*corev1.Pod{of("a", "100m", 0), of("b", "200m", 0), of("c", "300m", 0)}, []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := namesOf(Victims(node)(test.pod, test.others)); !slices.Equal(got, test.want) {
				t.Errorf("%v leave, want %v", got, test.want)
			}
		})
	}
}
