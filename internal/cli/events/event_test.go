package events

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/internal/cli/journal"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

func TestAStepAsASentence(t *testing.T) {
	for step, want := range map[string]string{
		"start container web: it has not run in this sandbox yet":                                                                                                                   "start container web: it has not run in this sandbox yet",
		`patch ReplicaSet default/web-5d8f {"spec":{"replicas":2}}: scale from 3 to 2: the Deployment was resized to 2`:                                                             "patch ReplicaSet default/web-5d8f: scale from 3 to 2: the Deployment was resized to 2",
		`status Deployment default/web {"status":{"readyReplicas":2,"availableReplicas":2,"unavailableReplicas":null}}`:                                                             "status Deployment default/web: availableReplicas 2, readyReplicas 2, no unavailableReplicas",
		`status Deployment default/web {"status":{"conditions":[{"type":"Available","status":"True","reason":"Enough"},{"type":"Ready","status":"False"}],"observedGeneration":2}}`: "status Deployment default/web: Available True (Enough), Ready False, observedGeneration 2",
		`patch Pod default/web {"metadata":{"finalizers":["a"],"labels":{"app":"web"}}}`:                                                                                            "patch Pod default/web: metadata.finalizers, metadata.labels.app web",
		"write table {of services}: it is not as it should be":                                                                                                                      "write table {of services}: it is not as it should be",
	} {
		if got := sentence(step); got != want {
			t.Errorf("%s\nis told as %s\nwant       %s", step, got, want)
		}
	}
}

func TestThePlanOfALoopIsToldStepByStep(t *testing.T) {
	got := ofPlan(journal.Entry{
		At: noon, Loop: "deployment-controller", Of: "Deployment", Key: "default/web",
		Plan:  "patch ReplicaSet default/web-5d8f {\"spec\":{\"replicas\":2}}: scale from 3 to 2\nevent Normal ScalingReplicaSet for Deployment default/web: Scaled down\nlook again in 10m0s: the progress deadline passes",
		Error: "the quota is used up\nreally",
	})
	web := Object{"Deployment", "default", "web"}
	want := []Event{
		{At: noon, Who: "deployment-controller", Source: "plan", Object: web, Says: "patch ReplicaSet default/web-5d8f: scale from 3 to 2", Step: `patch ReplicaSet default/web-5d8f {"spec":{"replicas":2}}: scale from 3 to 2`},
		{At: noon, Who: "deployment-controller", Source: "plan", Object: web, Says: "failed: the quota is used up; really", Warning: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := ofPlan(journal.Entry{Plan: "nothing to do: it waits\nlook again in 1s: then"}); got != nil {
		t.Errorf("of a plan in which nothing is done it tells %v", got)
	}
}

func TestWhatAKeyNames(t *testing.T) {
	for _, c := range []struct{ kind, key, want string }{
		{"Deployment", "default/web", "Deployment default/web"},
		{"Node", "one", "Node one"},
		{"", "default/ReplicaSet.apps/web-5d8f", "ReplicaSet default/web-5d8f"},
		{"", "Namespace/shop", "Namespace shop"},
		{"", "all", ""},
		{"", "default/zone-1", ""},
	} {
		if got := objectOf(c.kind, c.key).String(); got != c.want {
			t.Errorf("%q of a loop over %q is %q, want %q", c.key, c.kind, got, c.want)
		}
	}
}

func TestAnEventOfTheAPI(t *testing.T) {
	regarding := corev1.ObjectReference{Kind: "Pod", Namespace: "default", Name: "web"}
	later := metav1.NewMicroTime(noon.Add(time.Minute))
	for name, c := range map[string]struct {
		event eventsv1.Event
		want  Event
	}{
		"of the new form": {
			eventsv1.Event{EventTime: metav1.NewMicroTime(noon), ReportingController: "default-scheduler", Regarding: regarding, Reason: "Scheduled", Note: "assigned to\none", Type: "Normal"},
			Event{At: noon, Who: "default-scheduler", Says: "Scheduled: assigned to one", Reason: "Scheduled"},
		},
		"of the new form, again and again": {
			eventsv1.Event{EventTime: metav1.NewMicroTime(noon), Series: &eventsv1.EventSeries{Count: 3, LastObservedTime: later}, ReportingController: "x", Regarding: regarding, Reason: "FailedMount", Type: "Warning"},
			Event{At: later.Time, Who: "x", Says: "FailedMount (3 times)", Reason: "FailedMount", Warning: true},
		},
		"of the old form": {
			eventsv1.Event{DeprecatedLastTimestamp: metav1.NewTime(noon), DeprecatedCount: 2, DeprecatedSource: corev1.EventSource{Component: "kubelet"}, Regarding: regarding, Reason: "BackOff", Note: "x", Type: "Warning"},
			Event{At: noon, Who: "kubelet", Says: "BackOff: x (2 times)", Reason: "BackOff", Warning: true},
		},
		"of the old form, with the time in its name": {
			eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web.%x", noon.Add(time.Millisecond).UnixNano())}, DeprecatedLastTimestamp: metav1.NewTime(noon), ReportingController: "kubelet", Regarding: regarding, Reason: "Pulled"},
			Event{At: noon.Add(time.Millisecond), Who: "kubelet", Says: "Pulled", Reason: "Pulled"},
		},
		"of the old form, seen again later than its name says": {
			eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web.%x", noon.Add(-time.Hour).UnixNano())}, DeprecatedLastTimestamp: metav1.NewTime(noon), ReportingController: "kubelet", Regarding: regarding, Reason: "Pulled"},
			Event{At: noon, Who: "kubelet", Says: "Pulled", Reason: "Pulled"},
		},
		"of nobody, at no time": {
			eventsv1.Event{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(noon)}, Regarding: regarding, Reason: "Odd"},
			Event{At: noon, Who: "somebody", Says: "Odd", Reason: "Odd"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Source, c.want.Object = "api", Object{"Pod", "default", "web"}
			if diff := cmp.Diff(c.want, ofAPI(&c.event)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAFilterKeeps(t *testing.T) {
	scaled := Event{At: noon, Object: Object{"ReplicaSet", "shop", "web"}, Says: "create 2 Pods", Step: "create Pod shop/web-1, Pod shop/web-2.: 2 are missing"}
	node := Event{At: noon, Object: Object{Kind: "Node", Name: "one"}, Says: "cordon Node one"}
	group := Event{At: noon, Says: "delete Pod shop/lost: its node is gone"}
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"everything":                        {Filter{}, "scaled node group"},
		"what came later":                   {Filter{Since: noon.Add(time.Second)}, ""},
		"from a moment on, with the moment": {Filter{Since: noon}, "scaled node group"},
		"a namespace, and what names it":    {Filter{Namespace: "shop"}, "scaled group"},
		"another namespace":                 {Filter{Namespace: "sho"}, ""},
		"an object":                         {Filter{Object: Object{"ReplicaSet", "shop", "web"}}, "scaled"},
		"an object that is named":           {Filter{Object: Object{"Pod", "shop", "web-1"}}, "scaled"},
		"one that is named before a stop":   {Filter{Object: Object{"Pod", "shop", "web-2"}}, "scaled"},
		"one whose name begins another's":   {Filter{Object: Object{"Pod", "shop", "web"}}, ""},
		"an object in no namespace":         {Filter{Object: Object{Kind: "Node", Name: "one"}}, "node"},
		"what belongs":                      {Filter{Belongs: func(o Object) bool { return o.Kind == "Node" }}, "node"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, e := range []struct {
				name string
				Event
			}{{"scaled", scaled}, {"node", node}, {"group", group}} {
				if c.filter.Keeps(e.Event) {
					if got != "" {
						got += " "
					}
					got += e.name
				}
			}
			if got != c.want {
				t.Errorf("it keeps %q, want %q", got, c.want)
			}
		})
	}
}
