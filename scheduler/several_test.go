package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	componentconfigv1alpha1 "k8s.io/component-base/config/v1alpha1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler"
)

// withPlugin adds a plugin from outside to the first profile.
func withPlugin(name string, factory func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error)) func(*scheduler.Options) []scheduler.Option {
	return func(o *scheduler.Options) []scheduler.Option {
		o.Configuration.Profiles[0].Plugins = &configv1.Plugins{
			MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{{Name: name}}},
		}
		return []scheduler.Option{scheduler.WithPlugin(name, factory)}
	}
}

func (p *plane) naming() apis.Naming {
	p.t.Helper()
	builtIn, err := naming.BuiltIn(p.client.Scheme(), &ocorev1.Pod{})
	if err != nil {
		p.t.Fatal(err)
	}
	if builtIn {
		return apis.Kubernetes
	}
	return apis.Orrery
}

// another is a scheduler of another name on the same nodes.
func (p *plane) another() *plane {
	p.t.Helper()
	other := startPlane(p.t, p.server, p.naming())
	p.schedulers = append(p.schedulers, other.scheduler)
	return other
}

// candidate is one of several schedulers of the same name, of which one leads.
type candidate struct {
	scheduler *scheduler.Scheduler
	stop      func()
}

func (p *plane) candidate(name string) *candidate {
	p.t.Helper()
	config, err := p.server.Config(p.identity(p.naming()))
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := scheduler.New(scheduler.Options{Config: config, Scheme: p.client.Scheme(), Configuration: &configv1.KubeSchedulerConfiguration{
		Profiles: []configv1.KubeSchedulerProfile{{SchedulerName: ptr.To(name)}},
		LeaderElection: componentconfigv1alpha1.LeaderElectionConfiguration{
			LeaderElect: ptr.To(true), ResourceNamespace: p.namespace,
			LeaseDuration: metav1.Duration{Duration: 3 * time.Second}, RenewDeadline: metav1.Duration{Duration: 2 * time.Second},
			RetryPeriod: metav1.Duration{Duration: 200 * time.Millisecond},
		},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	result := &candidate{scheduler: s, stop: func() {
		if stopped {
			return
		}
		stopped = true
		p.schedulers = slices.DeleteFunc(p.schedulers, func(each *scheduler.Scheduler) bool { return each == s })
		cancel()
		if err := <-ended; err != nil {
			p.t.Errorf("the scheduler ended with: %v", err)
		}
	}}
	p.schedulers = append(p.schedulers, s)
	p.t.Cleanup(result.stop)
	return result
}

// leads returns nil when somebody holds the lease, which has moved a number of times.
func (p *plane) leads(name string, moved int32) error {
	lease := &coordinationv1.Lease{}
	if err := p.client.Get(p.t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "kube-scheduler"}, lease); err != nil {
		return err
	}
	if holder := ptr.Deref(lease.Spec.HolderIdentity, ""); holder == "" || ptr.Deref(lease.Spec.LeaseTransitions, 0) < moved {
		return fmt.Errorf("the lease for %s is held by %q and has moved %v times, want %d", name, holder, lease.Spec.LeaseTransitions, moved)
	}
	return nil
}

// eventuallyRefused waits until a pod's condition begins with a message: what preemption adds to it is not what is tested.
func (p *plane) eventuallyRefused(pod *ocorev1.Pod, message string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		return p.refusedWith(pod, corev1.PodReasonUnschedulable, message)
	})
}

// refusedWith returns nil when the pod is not scheduled for a reason, with a message that contains a text.
func (p *plane) refusedWith(pod *ocorev1.Pod, reason, text string) error {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse &&
			condition.Reason == reason && strings.Contains(condition.Message, text) {
			return nil
		}
	}
	return fmt.Errorf("pod %s is on %q with the conditions %v, want %s %q", pod.Name, pod.Spec.NodeName, pod.Status.Conditions, reason, text)
}
