package looptest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWhatIsDecidedWhenAReadFails(t *testing.T) {
	failed := fmt.Errorf("listing pods: %w", Unreadable.answer(corev1.SchemeGroupVersion.WithKind("Pod")))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	planned := func(steps ...func(*plan.Plan)) *plan.Plan {
		p := plan.New()
		for _, step := range steps {
			step(p)
		}
		return p
	}
	creates := func(p *plan.Plan) { p.Create("it is missing", pod) }
	deletes := func(p *plan.Plan) { p.Delete("it is too many", pod) }
	reports := func(status corev1.PodStatus) func(*plan.Plan) {
		return func(p *plan.Plan) {
			wanted := pod.DeepCopy()
			wanted.Status = status
			p.Status(pod, wanted)
		}
	}
	tells := func(p *plan.Plan) { p.EventOnce(pod, plan.Warning, "FailedList", "%v", failed) }

	for _, tt := range []struct {
		name        string
		whole, less *plan.Plan
		err         error
		part        func(part, whole plan.Step) bool
		want        string
	}{
		{name: "an error is tried again, and logged", whole: planned(creates), err: failed},
		{name: "it is not the end of the object", whole: planned(), err: fmt.Errorf("%w: %w", engine.ErrGone, failed), want: "takes that for the end"},
		{name: "it is nothing that only a user can mend", whole: planned(), err: engine.Stop(failed), want: "does not try again"},
		{name: "it is not kept quiet", whole: planned(), err: engine.Wait(time.Minute, failed), want: "tells nobody"},
		{name: "the same is decided where the read does not matter", whole: planned(creates), less: planned(creates)},
		{name: "less is done, and an event says why", whole: planned(creates, deletes), less: planned(deletes, tells)},
		{name: "less is done, and nobody is told", whole: planned(creates, deletes), less: planned(deletes), want: "tells nobody why"},
		{name: "something is done that otherwise would not be", whole: planned(creates), less: planned(deletes, tells), want: "would delete Pod default/web"},
		{
			name:  "a part of a step is done, and an event says why",
			whole: planned(creates), less: planned(deletes, tells),
			part: func(part, whole plan.Step) bool { return part.Verb() == "delete" && whole.Verb() == "create" },
		},
		{
			name:  "a status says a part of the same, and why",
			whole: planned(reports(corev1.PodStatus{Phase: corev1.PodFailed, HostIP: "192.0.2.1"})),
			less:  planned(reports(corev1.PodStatus{Phase: corev1.PodFailed}), tells),
		},
		{
			name:  "a status says something else",
			whole: planned(reports(corev1.PodStatus{Phase: corev1.PodFailed})),
			less:  planned(reports(corev1.PodStatus{Phase: corev1.PodSucceeded}), tells),
			want:  `would status Pod default/web {"status":{"phase":"Succeeded"}}`,
		},
		{
			name:  "a status says that it is not known",
			whole: planned(reports(corev1.PodStatus{Phase: corev1.PodFailed})),
			less:  planned(reports(corev1.PodStatus{Phase: corev1.PodUnknown, Message: failed.Error()})),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := misled(tt.whole, tt.less, tt.err, tt.part)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("what is wrong is %v, want %q", err, tt.want)
			}
		})
	}
}
