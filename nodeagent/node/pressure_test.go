package node

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestANodeSaysOfWhatItIsShort(t *testing.T) {
	o := &Observed{Name: "n", Runtime: runtimeStatus(true, true)}
	first := Status(o, &corev1.NodeStatus{}, now)
	if got, want := fmt.Sprint(turns(&corev1.NodeStatus{}, &first)), "[NodeHasSufficientMemory NodeHasNoDiskPressure NodeHasSufficientPID]"; got != want {
		t.Errorf("the events of a new node are %s, want %s", got, want)
	}
	o.Pressure = []corev1.NodeConditionType{corev1.NodeDiskPressure, corev1.NodePIDPressure}
	second := Status(o, &first, now.Add(time.Hour))
	if got, want := fmt.Sprint(turns(&first, &second)), "[NodeHasDiskPressure NodeHasInsufficientPID]"; got != want {
		t.Errorf("the events are %s, want %s", got, want)
	}
	for i, want := range []string{
		"MemoryPressure=False KubeletHasSufficientMemory: kubelet has sufficient memory available",
		"DiskPressure=True KubeletHasDiskPressure: kubelet has disk pressure",
		"PIDPressure=True KubeletHasInsufficientPID: kubelet has insufficient PID available",
	} {
		c := second.Conditions[i]
		if got := fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message); got != want {
			t.Errorf("it says %s, want %s", got, want)
		}
		if turned := c.LastTransitionTime.Time.Equal(now.Add(time.Hour)); turned != (c.Status == corev1.ConditionTrue) {
			t.Errorf("%s has its status since %s", c.Type, c.LastTransitionTime)
		}
	}
	if got := turns(&second, &second); got != nil {
		t.Errorf("nothing has changed, and the events are %v", got)
	}
}
