// Package live lets the loops about devices, PodGroups and ranges of Services run against an API server, under both namings: built-in
// pods, and custom resources on a server that knows nothing of them. What a scheduler and a node would do, the specs do.
package live

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/networking/servicecidr"
	"github.com/orrery-dev/orrery/controllers/resource/devicetainteviction"
	"github.com/orrery-dev/orrery/controllers/resource/devicetaintrule"
	"github.com/orrery-dev/orrery/controllers/resource/podresourceclaim"
	"github.com/orrery-dev/orrery/controllers/resource/resourceclaim"
	"github.com/orrery-dev/orrery/controllers/scheduling/podgroupprotection"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestDevices(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Devices, PodGroups and ranges of Services")
}

// wait is how long the loops have at most, on a machine that does much else.
const wait = 90 * time.Second

var (
	env   = &envtest.Environment{CRDDirectoryPaths: []string{definition("core.orrery.dev_pods"), definition("scheduling.orrery.dev_podgroups")}}
	admin *kubernetes.Clientset
)

// definition is that of one of the kinds that have two names here.
func definition(name string) string {
	return filepath.Join("..", "..", "..", "config", "crd", "bases", name+".yaml")
}

var _ = BeforeSuite(func() {
	config, err := env.Start()
	Expect(err).NotTo(HaveOccurred())
	admin = kubernetes.NewForConfigOrDie(config)
})

var _ = AfterSuite(func() { Expect(env.Stop()).To(Succeed()) })

// cluster is a namespace of the server, seen under one naming, with the loops running.
type cluster struct {
	client.Client
	namespace string
}

// newCluster is a new namespace. The loops are stopped when the spec is over.
func newCluster(ctx context.Context, naming apis.Naming) *cluster {
	GinkgoHelper()
	namespace, err := admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	mgr, err := wiring.NewManager(wiring.Cluster{Config: env.Config, Naming: naming}, nil)
	Expect(err).NotTo(HaveOccurred())
	evicted := &devicetaints.Evictions{}
	Expect(loop.AddAll(mgr, loop.Options{AnyName: true},
		podresourceclaim.Loop(), resourceclaim.Loop(),
		devicetainteviction.Loop(devicetainteviction.Options{Evicted: evicted}), devicetaintrule.Loop(devicetaintrule.Options{Evicted: evicted}),
		podgroupprotection.Loop(), servicecidr.Loop(),
	)).To(Succeed())
	running, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(running) }()
	DeferCleanup(func() {
		stop()
		Expect(<-stopped).To(Succeed())
	})
	all, err := client.New(env.Config, client.Options{Scheme: mgr.GetScheme()})
	Expect(err).NotTo(HaveOccurred())
	return &cluster{all, namespace.Name}
}

// create creates an object as it is built, but for what only the server may set.
func create[T client.Object](ctx context.Context, c *cluster, obj T) T {
	GinkgoHelper()
	if obj.GetNamespace() != "" {
		obj.SetNamespace(c.namespace)
	}
	obj.SetUID("")
	obj.SetResourceVersion("")
	Expect(c.Create(ctx, obj)).To(Succeed())
	return obj
}

// pod creates a pod on a node that is not there. It goes as soon as it is deleted.
func (c *cluster) pod(ctx context.Context, name string, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	GinkgoHelper()
	pod := gen.Pod(name, changes...)
	pod.Status = corev1.PodStatus{}
	return create(ctx, c, pod)
}

// get reads an object anew.
func get[T client.Object](ctx context.Context, c *cluster, obj T) T {
	GinkgoHelper()
	Expect(c.Get(ctx, client.ObjectKeyFromObject(obj), obj)).To(Succeed())
	return obj
}

// eventually is a state that the loops come to.
func eventually[T any](ctx context.Context, state func() T) AsyncAssertion {
	return Eventually(state).WithContext(ctx).WithTimeout(wait).WithPolling(20 * time.Millisecond)
}

// gone waits until an object is.
func (c *cluster) gone(ctx context.Context, obj client.Object) {
	GinkgoHelper()
	eventually(ctx, func() bool {
		err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj)
		return err != nil && client.IgnoreNotFound(err) == nil
	}).Should(BeTrue(), func() string { return "it is still there: " + client.ObjectKeyFromObject(obj).String() })
}

// status changes the status of an object, as who it belongs to would.
func status[T client.Object](ctx context.Context, c *cluster, obj T, change func(T)) {
	GinkgoHelper()
	get(ctx, c, obj)
	was := obj.DeepCopyObject().(T)
	change(obj)
	Expect(c.Status().Patch(ctx, obj, client.MergeFrom(was))).To(Succeed())
}

// allocate gives a claim a device of the namespace's own pool, for some pods, as the scheduler does.
func (c *cluster) allocate(ctx context.Context, claim *resourcev1.ResourceClaim, pods ...*ocorev1.Pod) {
	GinkgoHelper()
	get(ctx, c, claim)
	was := claim.DeepCopy()
	claim.Finalizers = append(claim.Finalizers, resourcev1.Finalizer)
	Expect(c.Patch(ctx, claim, client.MergeFrom(was))).To(Succeed())
	status(ctx, c, claim, func(claim *resourcev1.ResourceClaim) {
		gen.Allocated("d0")(claim)
		claim.Status.Allocation.Devices.Results[0].Pool = c.namespace
		for _, pod := range pods {
			gen.ReservedFor(pod)(claim)
		}
	})
}

// users are the names of those that a claim is reserved for.
func (c *cluster) users(ctx context.Context, claim *resourcev1.ResourceClaim) func() []string {
	return func() []string {
		GinkgoHelper()
		names := []string{}
		for _, consumer := range get(ctx, c, claim).Status.ReservedFor {
			names = append(names, consumer.Name)
		}
		return names
	}
}

// events are what a pod was told, by reason and message.
func (c *cluster) events(ctx context.Context, pod string) func() []string {
	return func() []string {
		GinkgoHelper()
		var all eventsv1.EventList
		Expect(c.List(ctx, &all, client.InNamespace(c.namespace))).To(Succeed())
		told := []string{}
		for _, event := range all.Items {
			if event.Regarding.Name == pod {
				told = append(told, event.Reason+": "+event.Note)
			}
		}
		return told
	}
}
