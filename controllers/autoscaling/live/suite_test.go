// Package live lets the loop of HorizontalPodAutoscalers run against an API server, under both namings: built-in kinds, and custom
// resources on a server that knows nothing of them. The metrics APIs are served by a server of the test, which is aggregated.
package live

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

func TestAutoscaling(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Scaling by metrics")
}

// wait is how long the loop has at most, on a machine that does much else.
const wait = 2 * time.Minute

var (
	env   = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "..", "config", "crd", "bases")}}
	admin *kubernetes.Clientset
)

var _ = BeforeSuite(func() {
	config, err := env.Start()
	Expect(err).NotTo(HaveOccurred())
	admin = kubernetes.NewForConfigOrDie(config)
})

var _ = AfterSuite(func() { Expect(env.Stop()).To(Succeed()) })

// cluster is a namespace of the server, seen under one naming, with the loop at work.
type cluster struct {
	client.Client
	namespace string
}

// newCluster is a new namespace with a Deployment web of so many ready pods. The loop looks at each autoscaler twice a second.
func newCluster(ctx context.Context, naming apis.Naming, pods int) *cluster {
	GinkgoHelper()
	namespace, err := admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	this := wiring.Cluster{Config: env.Config, Naming: naming}
	mgr, err := wiring.NewManager(this, nil)
	Expect(err).NotTo(HaveOccurred())
	options, err := this.Metrics()
	Expect(err).NotTo(HaveOccurred())
	options.SyncPeriod = 500 * time.Millisecond
	Expect(loop.AddAll(mgr, loop.Options{AnyName: true}, horizontalpodautoscaler.Loop(options))).To(Succeed())
	running, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(running) }()
	DeferCleanup(func() {
		stop()
		Expect(<-stopped).To(Succeed())
	})
	all, err := client.New(env.Config, client.Options{Scheme: mgr.GetScheme()})
	Expect(err).NotTo(HaveOccurred())
	c := &cluster{all, namespace.Name}
	d := gen.Deployment("web", gen.Replicas(int32(pods)))
	c.create(ctx, d, func() { d.Status.Replicas = int32(pods) })
	for i := range pods {
		c.pod(ctx, podName(i))
	}
	return c
}

func podName(i int) string { return "web-" + string(rune('a'+i)) }

// create creates an object, and then gives it a status.
func (c *cluster) create(ctx context.Context, obj client.Object, status ...func()) {
	GinkgoHelper()
	obj.SetNamespace(c.namespace)
	obj.SetUID("")
	Expect(c.Create(ctx, obj)).To(Succeed())
	for _, set := range status {
		set()
		Expect(c.Status().Update(ctx, obj)).To(Succeed())
	}
}

// pod is a pod of the Deployment that has been ready for long, and asks for 100m of CPU.
func (c *cluster) pod(ctx context.Context, name string) {
	GinkgoHelper()
	pod := gen.Pod(name, gen.Labelled("app", "web"))
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	c.create(ctx, pod, func() {
		long := metav1.NewTime(time.Now().Add(-time.Hour))
		pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, &long
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: long}}
	})
}

// autoscaler makes an autoscaler of the Deployment that shall not have more than ten replicas.
func (c *cluster) autoscaler(ctx context.Context, changes ...func(*oautoscalingv2.HorizontalPodAutoscaler)) {
	GinkgoHelper()
	kind, err := apiutil.GVKForObject(&oappsv1.Deployment{}, c.Scheme())
	Expect(err).NotTo(HaveOccurred())
	hpa := gen.HorizontalPodAutoscaler("web", 10, changes...)
	hpa.Spec.ScaleTargetRef.APIVersion = kind.GroupVersion().String()
	c.create(ctx, hpa)
}

// replicas are how many the Deployment shall have.
func (c *cluster) replicas(ctx context.Context) func() int32 {
	return func() int32 {
		GinkgoHelper()
		var d oappsv1.Deployment
		Expect(c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: "web"}, &d)).To(Succeed())
		return *d.Spec.Replicas
	}
}

// says are the conditions of the autoscaler, by kind, status and reason.
func (c *cluster) says(ctx context.Context) func() []string {
	return func() []string {
		GinkgoHelper()
		var hpa oautoscalingv2.HorizontalPodAutoscaler
		Expect(c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: "web"}, &hpa)).To(Succeed())
		var says []string
		for _, condition := range hpa.Status.Conditions {
			says = append(says, string(condition.Type)+" "+string(condition.Status)+" "+condition.Reason)
		}
		return says
	}
}

// events are what was told of the autoscaler, by reason and message.
func (c *cluster) events(ctx context.Context) func() []string {
	return func() []string {
		GinkgoHelper()
		var all eventsv1.EventList
		Expect(c.List(ctx, &all, client.InNamespace(c.namespace))).To(Succeed())
		var told []string
		for _, event := range all.Items {
			told = append(told, event.Reason+": "+event.Note)
		}
		return told
	}
}

// eventually is a state that the loop comes to.
func eventually[T any](ctx context.Context, state func() T) AsyncAssertion {
	return Eventually(state).WithContext(ctx).WithTimeout(wait).WithPolling(50 * time.Millisecond)
}
