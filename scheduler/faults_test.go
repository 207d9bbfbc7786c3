package scheduler_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/scheduler"
)

func TestABindingThatIsRefusedIsTriedAgain(t *testing.T) {
	for _, refusal := range []struct {
		name, reason string
		code         int
	}{
		{"a conflict", "Conflict", http.StatusConflict},
		{"a timeout of the server", "Timeout", http.StatusGatewayTimeout},
	} {
		t.Run(refusal.name, func(t *testing.T) {
			faulty := &proxy{}
			underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
				faulty.set(func(pod string, w http.ResponseWriter, pass func(http.ResponseWriter)) {
					if faulty.tries(pod) <= 2 {
						answer(w, refusal.code, refusal.reason)
						return
					}
					pass(w)
				})
				p.node("only", "1")
				p.eventuallyBound(p.pod("web", "1"), "only")
				// What the refused bindings had assumed was taken back, and what is bound counts once.
				p.eventuallyRefused(p.pod("next", "1"), "0/1 nodes are available: 1 Insufficient cpu.")
			}, faulty.through(t))
		})
	}
}

// TestABindingWhoseAnswerIsLostCountsOnce holds that a pod which the API server bound, though its answer never arrived,
// is neither bound again nor forgotten, and is told to be scheduled as any other.
func TestABindingWhoseAnswerIsLostCountsOnce(t *testing.T) {
	faulty := &proxy{}
	faulty.set(func(_ string, _ http.ResponseWriter, pass func(http.ResponseWriter)) {
		pass(discarded{http.Header{}})
		panic(http.ErrAbortHandler) // The connection is cut.
	})
	underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
		p.node("only", "2")
		p.eventuallyBound(p.pod("first", "1"), "only")
		p.eventuallyBound(p.pod("second", "1"), "only")
		p.eventuallyRefused(p.pod("third", "1"), "0/1 nodes are available: 1 Insufficient cpu.")
	}, faulty.through(t))
}

type discarded struct{ header http.Header }

func (d discarded) Header() http.Header          { return d.header }
func (discarded) Write(data []byte) (int, error) { return len(data), nil }
func (discarded) WriteHeader(int)                {}

// TestABindingToANodeThatIsGoneByThen holds that the scheduler goes on, and counts the pod when the node comes back.
func TestABindingToANodeThatIsGoneByThen(t *testing.T) {
	faulty := &proxy{}
	underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
		held, release := faulty.hold(t, "early")
		node := p.node("fleeting", "1")
		early := p.pod("early", "1")
		held()
		if err := p.client.Delete(t.Context(), node); err != nil {
			t.Fatal(err)
		}
		late := p.pod("late", "1")
		p.eventuallyUnschedulable(late, "no nodes available to schedule pods")
		release()
		p.eventuallyBound(early, "fleeting")
		p.node("fleeting", "1")
		p.eventuallyRefused(late, "0/1 nodes are available: 1 Insufficient cpu.")
		p.node("other", "1")
		p.eventuallyBound(late, "other")
	}, faulty.through(t))
}

func TestSeveralProfilesInOneScheduler(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("tainted", "1", dedicated)
		fearless := p.pod("fearless", "100m", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = p.name + "-fearless" })
		p.eventuallyBound(fearless, "tainted")
		p.eventuallyRefused(p.pod("careful", "100m"), "0/1 nodes are available: 1 node(s) had untolerated taint(s).")
		stranger := p.pod("stranger", "100m", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = "nobody" })
		if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(stranger), stranger); err != nil || stranger.Spec.NodeName != "" {
			t.Errorf("a pod of another scheduler is on node %q (reading it: %v)", stranger.Spec.NodeName, err)
		}
	}, func(o *scheduler.Options) []scheduler.Option {
		profiles := &o.Configuration.Profiles
		*profiles = append(*profiles, configv1.KubeSchedulerProfile{
			SchedulerName: ptr.To(*(*profiles)[0].SchedulerName + "-fearless"),
			Plugins:       &configv1.Plugins{MultiPoint: configv1.PluginSet{Disabled: []configv1.Plugin{{Name: "TaintToleration"}}}},
		})
		return nil
	})
}

// TestSeveralSchedulersCountEachOthersPods holds that schedulers of different names fill a node together and no more, as
// long as each has seen what the others bound.
func TestSeveralSchedulersCountEachOthersPods(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		other := p.another()
		p.node("only", "2")
		p.eventuallyBound(p.pod("ours", "1"), "only")
		theirs := p.pod("theirs", "1", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = other.name })
		p.eventuallyBound(theirs, "only")
		p.eventuallyRefused(p.pod("more", "1"), "0/1 nodes are available: 1 Insufficient cpu.")
		other.eventuallyRefused(p.pod("more-of-theirs", "1", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = other.name }), "0/1 nodes are available: 1 Insufficient cpu.")
	})
}

// TestARaceOfSchedulersIsSeenAfterwards holds what can be held of two schedulers that decide on the last CPU at the same
// time. As with kube-scheduler, the API server lets both bind: the node has to refuse. But both schedulers know from then
// on.
func TestARaceOfSchedulersIsSeenAfterwards(t *testing.T) {
	faulty := &proxy{}
	underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
		other := p.another()
		held, release := faulty.hold(t, "ours")
		node := p.node("only", "1")
		ours := p.pod("ours", "1")
		held()
		theirs := p.pod("theirs", "1", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = other.name })
		p.eventuallyBound(theirs, "only")
		release()
		p.eventuallyBound(ours, "only")
		// Room for one more would be room for none: two CPUs are taken.
		p.change(node, func() {})
		node.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("2")
		if err := p.client.Status().Update(t.Context(), node); err != nil {
			t.Fatal(err)
		}
		p.eventuallyRefused(p.pod("more", "1"), "0/1 nodes are available: 1 Insufficient cpu.")
		other.eventuallyRefused(p.pod("more-of-theirs", "1", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = other.name }), "0/1 nodes are available: 1 Insufficient cpu.")
	}, faulty.through(t))
}

// TestOneSchedulerLeadsAtATime runs two of the same name. While one leads the other does nothing, so that they cannot race;
// when it ends, the other takes over with all that is bound counted.
func TestOneSchedulerLeadsAtATime(t *testing.T) {
	underOneNamingAfterTheOther(t, func(t *testing.T, p *plane) {
		// The plane's own scheduler has another name, and only watches here.
		name := p.name + "-elected"
		first := p.candidate(name)
		p.eventually(func() error { return p.leads(name, 0) })
		second := p.candidate(name)
		p.node("only", "3")
		elected := func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = name }
		p.eventuallyBound(p.pod("one", "1", elected), "only")
		p.eventuallyBound(p.pod("two", "1", elected), "only")
		if pending := second.scheduler.Pending(); pending.InFlight > 0 {
			t.Errorf("the one that waits for the lead has %v", pending)
		}
		if _, decided := second.scheduler.Explain(p.namespace, "one"); decided {
			t.Error("the one that waits for the lead decided on a pod")
		}
		first.stop()
		p.eventuallyBound(p.pod("three", "1", elected), "only")
		if _, decided := second.scheduler.Explain(p.namespace, "three"); !decided {
			t.Error("somebody else decided on the pod")
		}
		p.eventually(func() error { return p.leads(name, 1) })
		p.pod("four", "1", elected)
		p.eventually(func() error {
			if record, found := second.scheduler.Explain(p.namespace, "four"); !found || record.Node != "" {
				return fmt.Errorf("explained as %+v, want a refusal", record)
			}
			return nil
		})
	})
}

// TestTheSchedulerOutlivesARestartOfTheAPIServer stops a server and starts it again with its data and address.
func TestTheSchedulerOutlivesARestartOfTheAPIServer(t *testing.T) {
	options := apiserver.Options{DataDir: t.TempDir(), TwoNames: true}
	start := func(address string) *apiserver.Server {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		options.Listener = listener
		server, err := apiserver.Start(context.Background(), options)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if err := server.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		return server
	}
	server := start("127.0.0.1:0")
	t.Cleanup(func() { // After the plane is cleared away.
		if err := server.Stop(); err != nil {
			t.Errorf("stopping the API server: %v", err)
		}
	})
	address := options.Listener.Addr().String()
	p := startPlane(t, server, apis.Kubernetes)
	p.node("only", "2")
	p.eventuallyBound(p.pod("before", "1"), "only")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	server = start(address)
	p.eventuallyBound(p.pod("after", "1"), "only")
	p.eventuallyRefused(p.pod("too-many", "1"), "0/1 nodes are available: 1 Insufficient cpu.")
}
