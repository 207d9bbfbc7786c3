package dynamicresources

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

func TestAPodWithoutClaimsIsSkippedForNextToNothing(t *testing.T) {
	plugin, _ := newCluster(t)
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{container("i", "")},
		Containers:     []corev1.Container{container("a", "1"), container("b", "2")}, // No class stands for these.
	}}
	state := framework.NewCycleState(false)
	var status *fwk.Status
	allocations := testing.AllocsPerRun(100, func() {
		if status = plugin.PreEnqueue(t.Context(), pod); status.IsSuccess() {
			_, status = plugin.PreFilter(t.Context(), state, pod, nil)
		}
	})
	if !status.IsSkip() {
		t.Fatalf("PreFilter returned %s, want Skip", status.Code())
	}
	if allocations > 1 {
		t.Errorf("it took %v allocations, want none but the status", allocations)
	}
}

func TestAClaimUnderTwoNamesIsAllocatedOnce(t *testing.T) {
	plugin, _ := newCluster(t) // It has one device.
	pod := using("first")
	pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, corev1.PodResourceClaim{Name: "again", ResourceClaimName: ptr.To("c")})
	state := framework.NewCycleState(false)
	if message := reserve(t, plugin, state, pod); message != "" {
		t.Fatal(message)
	}
	if status := plugin.PreBind(t.Context(), state, pod, "node"); !status.IsSuccess() {
		t.Error(status.Message())
	}
}

func TestExtendedAmounts(t *testing.T) {
	plugin, c := newCluster(t)
	class := &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "gpu"}}
	class.Spec.ExtendedResourceName = ptr.To(string(gpu))
	if _, err := c.client.ResourceV1().DeviceClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the class is known", func() bool { return c.manager.DeviceClassResolver().GetDeviceClass(gpu) != nil })
	implicit := corev1.ResourceName(resourcev1.ResourceDeviceClassPrefix + "gpu")
	for name, test := range map[string]struct {
		requests corev1.ResourceList
		want     map[corev1.ResourceName]int64
	}{
		"none that a class stands for":    {requests: corev1.ResourceList{"cpu": resource.MustParse("1"), "example.com/nic": resource.MustParse("1")}},
		"zero of one":                     {requests: corev1.ResourceList{gpu: resource.MustParse("0")}},
		"one by the name in the class":    {requests: corev1.ResourceList{gpu: resource.MustParse("2")}, want: map[corev1.ResourceName]int64{gpu: 2}},
		"one by the name of the class":    {requests: corev1.ResourceList{implicit: resource.MustParse("1")}, want: map[corev1.ResourceName]int64{implicit: 1}},
		"one and another without a class": {requests: corev1.ResourceList{gpu: resource.MustParse("1"), "example.com/nic": resource.MustParse("3")}, want: map[corev1.ResourceName]int64{gpu: 1, "example.com/nic": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: test.requests}}}}}
			got := plugin.extendedAmounts(pod)
			if len(got) != len(test.want) {
				t.Fatalf("the pod asks for %v, want %v", got, test.want)
			}
			for name, amount := range test.want {
				if got[name] != amount {
					t.Errorf("the pod asks for %d of %s, want %d", got[name], name, amount)
				}
			}
			_, status := plugin.SignPod(t.Context(), pod)
			if signable := status.IsSuccess(); signable != (test.want == nil) {
				t.Errorf("the pod is signable: %v", signable)
			}
		})
	}
}
