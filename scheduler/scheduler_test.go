package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/retry"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/scheduler"
)

func TestMain(m *testing.M) {
	code := m.Run()
	for naming, shared := range servers {
		if shared.Server == nil {
			continue
		}
		if err := shared.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "stopping the API server of the naming %s: %v\n", naming, err)
			code = 1
		}
	}
	os.Exit(code)
}

// sharedServer is started when it is first asked for.
type sharedServer struct {
	*apiserver.Server
	once sync.Once
	err  error
}

// servers are the API servers that tests share, one for each naming.
var servers = map[apis.Naming]*sharedServer{apis.Kubernetes: {}, apis.Orrery: {}}

// serverOf is the API server that the tests of a naming share. That of the Orrery naming knows our kinds as custom resources
// only, for there the naming makes a difference: where second names are translated, they are as good as the first ones.
func serverOf(t *testing.T, naming apis.Naming) *apiserver.Server {
	t.Helper()
	shared := servers[naming]
	shared.once.Do(func() { shared.err = shared.start(naming) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.Server
}

func (s *sharedServer) start(naming apis.Naming) (err error) {
	if s.Server, err = apiserver.Start(context.Background(), apiserver.Options{Ephemeral: true}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := s.WaitReady(ctx); err != nil || naming == apis.Kubernetes {
		return err
	}
	config, err := s.Config(identity.Admin)
	if err != nil {
		return err
	}
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{Paths: []string{"../config/crd/bases"}, ErrorIfPathMissing: true, MaxTime: time.Minute})
	return err
}

// plane is a running scheduler on an API server, under one naming.
type plane struct {
	t         *testing.T
	server    *apiserver.Server
	client    client.Client
	scheduler *scheduler.Scheduler
	namespace string
	name      string // the scheduler's
	// schedulers are all of the test that are at work: the plane's, and others on the same nodes.
	schedulers []*scheduler.Scheduler
}

// underBothNamings runs a test once under each naming, side by side, with a scheduler and a namespace of its own. Nothing may be left
// to do for who calls it.
func underBothNamings(t *testing.T, test func(t *testing.T, p *plane), options ...func(*scheduler.Options) []scheduler.Option) {
	for _, naming := range apis.Namings() {
		t.Run(string(naming), func(t *testing.T) {
			t.Parallel()
			test(t, startPlane(t, serverOf(t, naming), naming, options...))
		})
	}
}

// underOneNamingAfterTheOther is for a test whose options have something that is for one scheduler at a time.
func underOneNamingAfterTheOther(t *testing.T, test func(t *testing.T, p *plane), options ...func(*scheduler.Options) []scheduler.Option) {
	for _, naming := range apis.Namings() {
		t.Run(string(naming), func(t *testing.T) { test(t, startPlane(t, serverOf(t, naming), naming, options...)) })
	}
}

func startPlane(t *testing.T, server *apiserver.Server, naming apis.Naming, options ...func(*scheduler.Options) []scheduler.Option) *plane {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		t.Fatal(err)
	}
	p := &plane{t: t, server: server, name: fmt.Sprintf("scheduler-%d", time.Now().UnixNano())}
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	if p.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	p.makeNamespace()
	own, err := server.Config(p.identity(naming))
	if err != nil {
		t.Fatal(err)
	}
	o := scheduler.Options{Config: own, Scheme: scheme, Configuration: &configv1.KubeSchedulerConfiguration{
		Profiles: []configv1.KubeSchedulerProfile{{SchedulerName: ptr.To(p.name)}},
	}}
	var more []scheduler.Option
	for _, change := range options {
		more = append(more, change(&o)...)
	}
	if p.scheduler, err = scheduler.New(o, more...); err != nil {
		t.Fatal(err)
	}
	p.schedulers = append(p.schedulers, p.scheduler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.scheduler.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the scheduler ended with: %v", err)
		}
	})
	return p
}

// identity is as whom the scheduler works. Its generated role names the first names only, as a manager's role names the second
// ones only: see test/config.
func (*plane) identity(naming apis.Naming) identity.Identity {
	if naming == apis.Orrery {
		return identity.Admin
	}
	return identity.Scheduler
}

func (p *plane) makeNamespace() {
	p.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "scheduling-"}}
	if err := p.client.Create(p.t.Context(), namespace); err != nil {
		p.t.Fatal(err)
	}
	p.namespace = namespace.Name
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "default"}}
	if err := p.client.Create(p.t.Context(), account); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := p.client.DeleteAllOf(context.Background(), &ocorev1.Pod{}, client.InNamespace(p.namespace), client.GracePeriodSeconds(0)); err != nil {
			p.t.Errorf("deleting pods: %v", err)
		}
	})
}

// node creates a node, which goes away with the test.
func (p *plane) node(name, cpu string, taints ...corev1.Taint) *ocorev1.Node {
	p.t.Helper()
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := p.client.Create(p.t.Context(), node); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := p.client.Delete(context.Background(), node); client.IgnoreNotFound(err) != nil {
			p.t.Errorf("deleting node %s: %v", name, err)
		}
	})
	// Admission gives a new node the taint of one that is not ready.
	p.change(node, func() { node.Spec.Taints = taints })
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(cpu),
		corev1.ResourceMemory: resource.MustParse("4Gi"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	node.Status.Capacity = node.Status.Allocatable
	if err := p.client.Status().Update(p.t.Context(), node); err != nil {
		p.t.Fatal(err)
	}
	return node
}

// pod creates a pod for the plane's scheduler, which knows by then of every node and what is on it.
func (p *plane) pod(name, cpu string, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	p.t.Helper()
	p.eventuallyKnowsNodesAndPods()
	pod := p.newPod(name, cpu, changes...)
	if err := p.client.Create(p.t.Context(), pod); err != nil {
		p.t.Fatal(err)
	}
	return pod
}

func (p *plane) newPod(name, cpu string, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	pod := &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name},
		Spec: corev1.PodSpec{
			SchedulerName: p.name,
			Containers: []corev1.Container{{
				Name: "app", Image: "web",
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}},
			}},
		},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func (p *plane) change(object client.Object, change func()) {
	p.t.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change()
		return p.client.Update(p.t.Context(), object)
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// patience is how long a test waits for what has to happen soon, on a machine that is busy.
const patience = await.Deadline

// eventually waits until check returns nil, and fails with what it returned last.
func (p *plane) eventually(check func() error) {
	p.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline.C:
			p.t.Fatalf("not within %s: %v; the queue has %v", patience, err, p.scheduler.Pending())
		}
	}
}

func (p *plane) eventuallyBound(pod *ocorev1.Pod, node string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if pod.Spec.NodeName == "" || node != "" && pod.Spec.NodeName != node {
			return fmt.Errorf("pod %s is on node %q, want %q; conditions %v", pod.Name, pod.Spec.NodeName, node, pod.Status.Conditions)
		}
		return p.condition(pod, corev1.ConditionTrue, "", "")
	})
}

func (p *plane) eventuallyUnschedulable(pod *ocorev1.Pod, message string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		return p.condition(pod, corev1.ConditionFalse, corev1.PodReasonUnschedulable, message)
	})
	p.eventuallyEvent(pod, "FailedScheduling", message)
}

func (p *plane) condition(pod *ocorev1.Pod, status corev1.ConditionStatus, reason, message string) error {
	for _, condition := range pod.Status.Conditions {
		if condition.Type != corev1.PodScheduled {
			continue
		}
		if condition.Status != status || condition.Reason != reason || condition.Message != message {
			return fmt.Errorf("PodScheduled is %s %q %q, want %s %q %q", condition.Status, condition.Reason, condition.Message, status, reason, message)
		}
		return nil
	}
	return errors.New("pod has no condition PodScheduled")
}

// eventuallyEvent waits for an Event that names the pod as the naming does.
func (p *plane) eventuallyEvent(pod *ocorev1.Pod, reason, note string) {
	p.t.Helper()
	kind, err := p.client.GroupVersionKindFor(pod)
	if err != nil {
		p.t.Fatal(err)
	}
	p.eventually(func() error {
		events := &eventsv1.EventList{}
		if err := p.client.List(p.t.Context(), events, client.InNamespace(pod.Namespace)); err != nil {
			return err
		}
		var seen []string
		for _, event := range events.Items {
			about := event.Regarding
			if about.Name == pod.Name && about.Kind == "Pod" && about.APIVersion == kind.GroupVersion().String() &&
				event.Reason == reason && event.Note == note && event.ReportingController == p.name {
				return nil
			}
			seen = append(seen, fmt.Sprintf("%s %s %s by %s: %s", about.APIVersion, about.Name, event.Reason, event.ReportingController, event.Note))
		}
		return fmt.Errorf("no Event %s %q of pod %s among %q", reason, note, pod.Name, seen)
	})
}

func (p *plane) gone(object client.Object) error {
	err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(object), object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("%s is still there (reading it: %v)", object.GetName(), err) //nolint:errorlint // err is nil unless the read failed
}

var dedicated = corev1.Taint{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}

func TestScheduler(t *testing.T) {
	t.Run("binds pods and says so", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.node("node-1", "2")
			for i := range 5 {
				p.pod(fmt.Sprintf("web-%d", i), "100m")
			}
			for i := range 5 {
				pod := &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: fmt.Sprintf("web-%d", i)}}
				p.eventuallyBound(pod, "node-1")
				p.eventuallyEvent(pod, "Scheduled", fmt.Sprintf("Successfully assigned %s/web-%d to node-1", p.namespace, i))
			}
			record, found := p.scheduler.Explain(p.namespace, "web-0")
			if !found || record.Node != "node-1" || record.Feasible != 1 {
				t.Errorf("explained as %+v (found: %v), want node-1 of 1 feasible", record, found)
			}
		})
	})
	t.Run("says why a pod fits nowhere, and binds it once it does", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.node("small", "100m")
			tainted := p.node("tainted-1", "4", dedicated)
			p.node("tainted-2", "4", dedicated)
			pod := p.pod("web", "1")
			p.eventuallyUnschedulable(pod, "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.")
			p.change(tainted, func() { tainted.Spec.Taints = nil })
			p.eventuallyBound(pod, "tainted-1")
		})
	})
	t.Run("says that there are no nodes, and binds when one comes", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			pod := p.pod("web", "1")
			p.eventuallyUnschedulable(pod, "no nodes available to schedule pods")
			p.node("late", "2")
			p.eventuallyBound(pod, "late")
		})
	})
	t.Run("gives the place of a deleted pod to the next", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.node("only", "1")
			first := p.pod("first", "1")
			p.eventuallyBound(first, "only")
			second := p.pod("second", "1")
			p.eventuallyUnschedulable(second, "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.")
			if err := p.client.Delete(t.Context(), first, client.GracePeriodSeconds(0)); err != nil {
				t.Fatal(err)
			}
			p.eventually(func() error { return p.gone(first) })
			p.eventuallyBound(second, "only")
		})
	})
	t.Run("leaves a gated pod alone until its last gate is removed", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.node("only", "1")
			pod := p.pod("gated", "100m", func(pod *ocorev1.Pod) {
				pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"}}
			})
			p.eventually(func() error {
				if counts := p.scheduler.Pending(); counts.Gated != 1 {
					return fmt.Errorf("no pod is gated: %v", counts)
				}
				return nil
			})
			p.change(pod, func() { pod.Spec.SchedulingGates = nil })
			p.eventuallyBound(pod, "only")
		})
	})
}
