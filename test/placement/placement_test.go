package placement

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	kubescheduler "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/profile"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

func TestBothSchedulersPlaceAWorkloadEquallyWell(t *testing.T) {
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, Logger: logr.Discard()})
	config := testserver.Config(t, server, identity.Admin)
	client := kubernetes.NewForConfigOrDie(config)
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newWorkload(seed)
			w.createNodes(t, client)
			ours := w.place(t, client, func(ctx context.Context) { runOurs(ctx, t, config) })
			theirs := w.place(t, client, func(ctx context.Context) { runTheirs(ctx, t, client) })
			if diff := cmp.Diff(theirs.names(), ours.names()); diff != "" {
				t.Errorf("kube-scheduler placed others (-) than we did (+):\n%s", diff)
			}
			for who, where := range map[string]placed{"we": ours, "kube-scheduler": theirs} {
				for _, wrong := range w.broken(where) {
					t.Errorf("as %s placed them, %s", who, wrong)
				}
			}
			mine, other := w.unevenness(ours), w.unevenness(theirs)
			t.Logf("%d pods placed; unevenness of CPU is %.3f, kube-scheduler's %.3f", len(ours.names()), mine, other)
			if mine > other+0.05 {
				t.Errorf("the load is spread less evenly: standard deviation %.3f, kube-scheduler's %.3f", mine, other)
			}
		})
	}
}

func runOurs(ctx context.Context, t *testing.T, config *rest.Config) {
	s, err := wiring.NewScheduler(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true}, nil)
	if err != nil {
		t.Error(err)
		return
	}
	if err := s.Run(ctx); err != nil {
		t.Errorf("our scheduler ended with: %v", err)
	}
}

func runTheirs(ctx context.Context, t *testing.T, client kubernetes.Interface) {
	informers := kubescheduler.NewInformerFactory(client, 0, nil)
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	defer broadcaster.Shutdown()
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		t.Error(err)
		return
	}
	s, err := kubescheduler.New(ctx, client, informers, nil, profile.NewRecorderFactory(broadcaster))
	if err != nil {
		t.Errorf("building kube-scheduler: %v", err)
		return
	}
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())
	s.Run(ctx)
}

func (w *workload) createNodes(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	nodes := client.CoreV1().Nodes()
	for _, wanted := range w.nodes {
		node, err := nodes.Create(t.Context(), wanted.DeepCopy(), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := nodes.Delete(context.WithoutCancel(t.Context()), node.Name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		node.Spec.Taints = wanted.Spec.Taints // Admission adds that of a node which is not ready.
		if node, err = nodes.Update(t.Context(), node, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		node.Status = wanted.Status
		if _, err = nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// place creates the pods in a namespace of their own, runs a scheduler until it has decided on all of them, and deletes them.
func (w *workload) place(t *testing.T, client kubernetes.Interface, run func(context.Context)) placed {
	t.Helper()
	namespace, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "placement-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := client.CoreV1().ServiceAccounts(namespace.Name).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := client.CoreV1().Pods(namespace.Name)
	for _, pod := range w.pods {
		if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logr.Discard()))
	ended := make(chan struct{})
	go func() { defer close(ended); run(ctx) }()
	stop := func() { cancel(); <-ended }
	defer stop()
	where := placed{}
	await.Until(t, "every pod to be decided on", func() (string, bool) {
		list, err := pods.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error(), false
		}
		undecided := 0
		for i := range list.Items {
			pod := &list.Items[i]
			where[pod.Name] = pod.Spec.NodeName
			if pod.Spec.NodeName == "" && (!hopeless(pod) || !refused(pod)) {
				undecided++
			}
		}
		return fmt.Sprintf("%d are not, of %v", undecided, where), undecided == 0
	})
	stop()
	if err := pods.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	return where
}

// hopeless says whether a pod can have no place, by the way the workload was made.
func hopeless(pod *corev1.Pod) bool {
	return pod.Labels["app"] == "giant" || pod.Labels["app"] == "picky"
}

func refused(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Reason == corev1.PodReasonUnschedulable
		}
	}
	return false
}
