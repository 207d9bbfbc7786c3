package horizontalpodautoscaler

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	upstreammetrics "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// theirs is kube-controller-manager's controller.
type theirs struct {
	t           *testing.T
	client      *fake.Clientset
	pods        []*corev1.Pod
	mu          sync.Mutex
	scale       autoscalingv1.Scale
	begin, stop func()
}

func newTheirs(t *testing.T, metrics *served, hpa *oautoscalingv2.HorizontalPodAutoscaler) *theirs {
	s := &theirs{t: t, client: fake.NewClientset((*autoscalingv2.HorizontalPodAutoscaler)(hpa.DeepCopy()))}
	s.scale = autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: hpa.Name, Namespace: hpa.Namespace}}
	s.scale.Status.Selector = "app=" + hpa.Name
	scales := &scalefake.FakeScaleClient{}
	scales.AddReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return true, s.scale.DeepCopy(), nil
	})
	scales.AddReactor("update", "deployments", func(action clienttesting.Action) (bool, runtime.Object, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.scale.Spec.Replicas = action.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale).Spec.Replicas
		return true, s.scale.DeepCopy(), nil
	})
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
	mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	o := metrics.options()
	factory := informers.NewSharedInformerFactory(s.client, 0)
	ctx, stop := context.WithCancel(t.Context())
	controller := podautoscaler.NewHorizontalController(ctx, s.client.CoreV1(), scales, s.client.AutoscalingV2(), mapper,
		upstreammetrics.NewRESTMetricsClient(o.Resource, o.Custom, o.External),
		factory.Autoscaling().V2().HorizontalPodAutoscalers(), factory.Core().V1().Pods(),
		period, 5*time.Minute, 0.1, 5*time.Minute, 30*time.Second)
	ended := make(chan struct{})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	begun := sync.OnceFunc(func() {
		go func() { defer close(ended); controller.Run(ctx, 1) }()
	})
	s.begin = begun
	s.stop = sync.OnceFunc(func() {
		begun()
		synctest.Wait()
		stop()
		<-ended
		factory.Shutdown()
	})
	t.Cleanup(s.stop)
	return s
}

func (s *theirs) resize(replicas int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scale.Spec.Replicas = replicas
}

func (s *theirs) put(pods []*corev1.Pod) {
	s.pods = pods
	s.mu.Lock()
	s.scale.Status.Replicas = int32(len(pods))
	s.mu.Unlock()
	tracker, resource := s.client.Tracker(), corev1.SchemeGroupVersion.WithResource("pods")
	list, err := s.client.CoreV1().Pods(gen.Namespace).List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, pod := range list.Items {
		if err := tracker.Delete(resource, pod.Namespace, pod.Name); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, pod := range pods {
		if err := tracker.Create(resource, pod.DeepCopy(), pod.Namespace); err != nil {
			s.t.Fatal(err)
		}
	}
	synctest.Wait()
}

func (s *theirs) change(spec autoscalingv2.HorizontalPodAutoscalerSpec) {
	hpa := s.hpa()
	hpa.Spec, hpa.Generation = spec, hpa.Generation+1
	defer synctest.Wait()
	if _, err := s.client.AutoscalingV2().HorizontalPodAutoscalers(hpa.Namespace).Update(s.t.Context(), hpa, metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *theirs) hpa() *autoscalingv2.HorizontalPodAutoscaler {
	hpa, err := s.client.AutoscalingV2().HorizontalPodAutoscalers(gen.Namespace).Get(s.t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return hpa
}

func (s *theirs) look() {
	s.begin()
	synctest.Wait()
}

func (s *theirs) told() (int32, autoscalingv2.HorizontalPodAutoscalerStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scale.Spec.Replicas, s.hpa().Status
}

// events are the reasons and messages of what it recorded first, as far as its recorder lets them pass and does not combine them.
func (s *theirs) events() []string {
	var events []string
	for _, action := range s.client.Actions() {
		if create, ok := action.(clienttesting.CreateAction); ok && action.GetResource().Resource == "events" {
			if event := create.GetObject().(*corev1.Event); !strings.HasPrefix(event.Message, "(combined from similar events)") {
				events = append(events, event.Reason+": "+event.Message)
			}
		}
	}
	return events
}

// ours is this loop.
type ours struct {
	t          *testing.T
	world      *looptest.World
	reconciler loop.Reconciler
	recorded   *recorded
}

func newOurs(t *testing.T, metrics *served, hpa *oautoscalingv2.HorizontalPodAutoscaler) *ours {
	s := &ours{t: t, world: looptest.NewWorld(kubernetes), recorded: &recorded{events: map[string]bool{}}}
	s.world.Put(hpa.DeepCopy(), gen.Deployment(hpa.Name))
	s.reconciler = Loop(metrics.options()).Reconciler(loop.Cluster{Client: s.world.Client("ours"), Events: s.recorded})
	return s
}

func (s *ours) resize(replicas int32) {
	looptest.Edit(s.world, "user", looptest.All[*oappsv1.Deployment](s.world)[0], func(d *oappsv1.Deployment) { d.Spec.Replicas = &replicas })
}

func (s *ours) put(pods []*corev1.Pod) {
	looptest.Edit(s.world, "deployment", looptest.All[*oappsv1.Deployment](s.world)[0], func(d *oappsv1.Deployment) { d.Status.Replicas = int32(len(pods)) })
	c := s.world.Client("replicaset")
	if err := c.DeleteAllOf(s.t.Context(), &ocorev1.Pod{}, client.InNamespace(gen.Namespace)); err != nil {
		s.t.Fatal(err)
	}
	for _, pod := range pods {
		s.world.Put((*ocorev1.Pod)(pod.DeepCopy()))
	}
}

func (s *ours) change(spec autoscalingv2.HorizontalPodAutoscalerSpec) {
	looptest.Edit(s.world, "user", s.hpa(), func(hpa *oautoscalingv2.HorizontalPodAutoscaler) { hpa.Spec = spec })
}

func (s *ours) hpa() *oautoscalingv2.HorizontalPodAutoscaler {
	return looptest.All[*oautoscalingv2.HorizontalPodAutoscaler](s.world)[0]
}

func (s *ours) look() {
	if _, err := s.reconciler.Reconcile(s.t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(s.hpa())}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *ours) told() (int32, autoscalingv2.HorizontalPodAutoscalerStatus) {
	return *looptest.All[*oappsv1.Deployment](s.world)[0].Spec.Replicas, s.hpa().Status
}

// because is what its last plan was.
func (s *ours) because() string {
	recent := s.reconciler.Inspector().Recent("default/web")
	if len(recent) == 0 {
		return "no plan"
	}
	return recent[0].Plan
}
