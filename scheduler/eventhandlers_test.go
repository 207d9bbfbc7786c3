package scheduler

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/apis"
)

// mourner waits for nodes to go.
type mourner struct{ hint fwk.QueueingHintFn }

func (mourner) Name() string { return "Mourner" }

func (mourner) Filter(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeInfo) *fwk.Status {
	return nil
}

func (m mourner) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Delete}, QueueingHintFn: m.hint}}, nil
}

// TestAPodThatANodesEndBringsBackIsTriedWithoutTheNode holds that the node has gone from the cache when its end is an event:
// a pod that is tried at once would otherwise be tried on the node, and nothing would bring it back after that.
func TestAPodThatANodesEndBringsBackIsTriedWithoutTheNode(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	var s *Scheduler
	asked := false
	hint := func(_ klog.Logger, _ *corev1.Pod, old, _ any) (fwk.QueueingHint, error) {
		asked = true
		if _, known := s.cache.Node(old.(*corev1.Node).Name); known {
			t.Error("the node is still in the cache")
		}
		return fwk.Queue, nil
	}
	plugins := &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{{Name: "Mourner"}}}}
	var err error
	s, err = New(Options{Config: &rest.Config{Host: "127.0.0.1:1"}, Scheme: scheme, Configuration: &configv1.KubeSchedulerConfiguration{
		Profiles: []configv1.KubeSchedulerProfile{{SchedulerName: ptr.To("ours"), Plugins: plugins}},
	}}, WithPlugin("Mourner", func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return mourner{hint}, nil }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}
	s.nodeAdded(node)
	s.podAdded(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod", UID: "pod"}, Spec: corev1.PodSpec{SchedulerName: "ours"}})
	refused := s.queue.Pop()
	refused.UnschedulablePlugins = sets.New("Mourner")
	if err := s.queue.Requeue(refused, refused.PodInfo); err != nil {
		t.Fatal(err)
	}
	s.nodeDeleted(node)
	if !asked {
		t.Error("the plugin was not asked")
	}
}
