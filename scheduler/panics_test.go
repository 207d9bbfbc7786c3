package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// points is a plugin that panics at the extension point which a pod's label names.
type points struct{}

func newPoints(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return points{}, nil }

func (points) Name() string { return "Points" }

func (points) at(point string, pod *corev1.Pod) *fwk.Status {
	if pod.Labels["panic"] == point {
		panic("at " + point)
	}
	return nil
}

func (p points) PreFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	return nil, p.at("PreFilter", pod)
}
func (points) PreFilterExtensions() fwk.PreFilterExtensions { return nil }
func (p points) Filter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ fwk.NodeInfo) *fwk.Status {
	return p.at("Filter", pod)
}
func (p points) PreScore(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	return p.at("PreScore", pod)
}
func (p points) Score(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ fwk.NodeInfo) (int64, *fwk.Status) {
	return 0, p.at("Score", pod)
}
func (points) ScoreExtensions() fwk.ScoreExtensions { return nil }
func (p points) Reserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) *fwk.Status {
	return p.at("Reserve", pod)
}
func (points) Unreserve(context.Context, fwk.CycleState, *corev1.Pod, string) {}
func (p points) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) (*fwk.Status, time.Duration) {
	return p.at("Permit", pod), 0
}
func (points) PreBindPreFlight(context.Context, fwk.CycleState, *corev1.Pod, string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	return nil, nil
}
func (p points) PreBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) *fwk.Status {
	return p.at("PreBind", pod)
}
func (p points) PostBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	p.at("PostBind", pod)
}

// TestAPanicAtAnyPointFailsOnePod holds that the pod's message names the plugin and the point, and that others are bound.
func TestAPanicAtAnyPointFailsOnePod(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("a", "1")
		p.node("b", "1")
		for _, point := range []string{"PreFilter", "Filter", "PreScore", "Score", "Reserve", "Permit", "PreBind"} {
			bad := p.pod("bad-"+strings.ToLower(point), "100m", func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"panic": point} })
			p.eventually(func() error {
				if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(bad), bad); err != nil {
					return err
				}
				return p.refusedWith(bad, corev1.PodReasonSchedulerError, fmt.Sprintf("plugin %q panicked in %s: at %s", "Points", point, point))
			})
		}
		// By PostBind a pod is bound.
		p.eventuallyBound(p.pod("late", "100m", func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"panic": "PostBind"} }), "")
		// Nothing of the failed attempts is still counted.
		for i := range 2 {
			p.eventuallyBound(p.pod(fmt.Sprintf("good-%d", i), "900m"), "")
		}
	}, withPlugin("Points", newPoints))
}
