package scheduler_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler"
)

// extenderProgram is a program that the scheduler asks, one function a verb. It knows the cluster, so that it is sent names.
type extenderProgram struct {
	server *httptest.Server
	config configv1.Extender
	mux    *http.ServeMux
}

func newExtenderProgram(t *testing.T) *extenderProgram {
	t.Helper()
	o := &extenderProgram{mux: http.NewServeMux()}
	o.server = httptest.NewServer(o.mux)
	t.Cleanup(o.server.Close)
	o.config = configv1.Extender{URLPrefix: o.server.URL, NodeCacheCapable: true, Weight: 1}
	return o
}

// replying is how the program answers a verb.
func replying[Q, A any](t *testing.T, o *extenderProgram, verb string, how func(Q) A) {
	o.mux.HandleFunc("/"+verb, func(w http.ResponseWriter, r *http.Request) {
		var question Q
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Errorf("%s was asked: %v", verb, err)
		}
		if err := json.NewEncoder(w).Encode(how(question)); err != nil {
			t.Errorf("answering %s: %v", verb, err)
		}
	})
}

func (o *extenderProgram) asked(options *scheduler.Options) []scheduler.Option {
	options.Configuration.Extenders = append(options.Configuration.Extenders, o.config)
	return nil
}

// pass lets the nodes through that are named, and refuses the others for a reason.
func pass(reason string, names ...string) func(extenderv1.ExtenderArgs) extenderv1.ExtenderFilterResult {
	return func(args extenderv1.ExtenderArgs) extenderv1.ExtenderFilterResult {
		result := extenderv1.ExtenderFilterResult{NodeNames: &[]string{}, FailedNodes: extenderv1.FailedNodesMap{}}
		for _, node := range *args.NodeNames {
			if strings.Contains(" "+strings.Join(names, " ")+" ", " "+node+" ") {
				*result.NodeNames = append(*result.NodeNames, node)
			} else {
				result.FailedNodes[node] = reason
			}
		}
		return result
	}
}

func TestExtenders(t *testing.T) {
	t.Run("filter and score nodes", func(t *testing.T) {
		o := newExtenderProgram(t)
		o.config.FilterVerb, o.config.PrioritizeVerb, o.config.Weight = "filter", "prioritize", 1000
		replying(t, o, "filter", pass("no licence", "one", "two"))
		replying(t, o, "prioritize", func(extenderv1.ExtenderArgs) extenderv1.HostPriorityList {
			return extenderv1.HostPriorityList{{Host: "one", Score: 1}, {Host: "two", Score: 2}, {Host: "three", Score: 10}}
		})
		underBothNamings(t, func(t *testing.T, p *plane) {
			for _, name := range []string{"one", "two", "three"} {
				p.node(name, "2")
			}
			p.eventuallyBound(p.pod("web", "100m"), "two")
			p.eventually(func() error {
				record, _ := p.scheduler.Explain(p.namespace, "web")
				if len(record.Best) == 0 || record.Best[0].Node != "two" || record.Best[0].Total < 20000 {
					return fmt.Errorf("the best nodes are %+v, want two with the extender's score of 2*1000*10", record.Best)
				}
				return nil
			})
		}, o.asked)
	})
	t.Run("are asked again after they have refused", func(t *testing.T) {
		o := newExtenderProgram(t)
		o.config.FilterVerb = "filter"
		var licensed atomic.Bool
		replying(t, o, "filter", func(args extenderv1.ExtenderArgs) extenderv1.ExtenderFilterResult {
			if licensed.Load() {
				return pass("", "only", "small")(args)
			}
			return pass("no licence")(args)
		})
		underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
			licensed.Store(false)
			p.node("only", "2")
			pod := p.pod("web", "1")
			p.eventuallyUnschedulable(pod, "0/1 nodes are available: 1 no licence. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.")
			licensed.Store(true)
			p.node("small", "100m") // Any event will do, also one that no plugin cares for.
			p.eventuallyBound(pod, "only")
		}, o.asked)
	})
	t.Run("bind pods", func(t *testing.T) {
		o := newExtenderProgram(t)
		o.config.BindVerb = "bind"
		var bind atomic.Pointer[func(extenderv1.ExtenderBindingArgs) error]
		var bound atomic.Int32
		replying(t, o, "bind", func(args extenderv1.ExtenderBindingArgs) extenderv1.ExtenderBindingResult {
			if err := (*bind.Load())(args); err != nil {
				return extenderv1.ExtenderBindingResult{Error: err.Error()}
			}
			bound.Add(1)
			return extenderv1.ExtenderBindingResult{}
		})
		underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
			by := func(args extenderv1.ExtenderBindingArgs) error {
				pod := &ocorev1.Pod{}
				if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: args.PodNamespace, Name: args.PodName}, pod); err != nil {
					return err
				}
				return naming.Bind(t.Context(), p.client, pod, args.Node)
			}
			bind.Store(&by)
			bound.Store(0)
			p.node("only", "2")
			p.eventuallyBound(p.pod("web", "1"), "only")
			p.eventually(func() error { // The pod is seen to be bound before the extender has answered.
				if bound.Load() != 1 {
					return fmt.Errorf("the extender has bound %d pods, want 1", bound.Load())
				}
				return nil
			})
		}, o.asked)
	})
	t.Run("choose victims of preemption", func(t *testing.T) {
		o := newExtenderProgram(t)
		o.config.PreemptVerb = "preempt"
		replying(t, o, "preempt", func(args extenderv1.ExtenderPreemptionArgs) extenderv1.ExtenderPreemptionResult {
			delete(args.NodeNameToMetaVictims, "cheap")
			return extenderv1.ExtenderPreemptionResult{NodeNameToMetaVictims: args.NodeNameToMetaVictims}
		})
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, middle := p.class(10, corev1.PreemptLowerPriority), p.class(20, corev1.PreemptLowerPriority)
			high := p.class(1000, corev1.PreemptLowerPriority)
			p.named("cheap", "1")
			p.named("dear", "1")
			spared := p.pod("spared", "1", low, on("cheap"))
			victim := p.pod("victim", "1", middle, on("dear"))
			p.eventuallyBound(spared, "cheap")
			p.eventuallyBound(victim, "dear")
			p.eventuallyBound(p.pod("urgent", "1", high), "dear")
			p.unharmed(spared)
		}, o.asked)
	})
	t.Run("look after resources that no plugin counts", func(t *testing.T) {
		o := newExtenderProgram(t)
		o.config.FilterVerb = "filter"
		o.config.ManagedResources = []configv1.ExtenderManagedResource{{Name: "example.com/licence", IgnoredByScheduler: true}}
		replying(t, o, "filter", pass("no licence", "two"))
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.node("one", "2")
			p.eventuallyBound(p.pod("plain", "100m"), "one")
			p.node("two", "2")
			p.eventuallyBound(p.pod("licensed", "100m", func(pod *ocorev1.Pod) {
				licence := corev1.ResourceList{"example.com/licence": resource.MustParse("1")}
				pod.Spec.Containers[0].Resources.Requests["example.com/licence"] = resource.MustParse("1")
				pod.Spec.Containers[0].Resources.Limits = licence
			}), "two")
		}, o.asked)
	})
	for _, ignorable := range []bool{true, false} {
		t.Run(fmt.Sprintf("that are down (ignorable: %t)", ignorable), func(t *testing.T) {
			o := newExtenderProgram(t)
			o.server.Close()
			o.config.FilterVerb, o.config.PrioritizeVerb, o.config.BindVerb, o.config.Ignorable = "filter", "prioritize", "bind", ignorable
			underBothNamings(t, func(t *testing.T, p *plane) {
				p.node("one", "2")
				p.node("two", "2")
				pod := p.pod("web", "1")
				if ignorable {
					p.eventuallyBound(pod, "")
					return
				}
				p.eventually(func() error {
					return p.pendingWith(pod, "filtering nodes by extender "+o.config.URLPrefix+": Post ")
				})
				if err := p.condition(pod, corev1.ConditionFalse, corev1.PodReasonSchedulerError, pod.Status.Conditions[0].Message); err != nil {
					t.Error(err)
				}
			}, o.asked)
		})
	}
}
