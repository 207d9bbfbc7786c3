// Package live lets the loops that attach and detach volumes run against an API server, under both namings: built-in kinds, and custom
// resources on a server that knows nothing of them. A driver that is a loop itself attaches what it is asked for.
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
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/storage/volumeattach"
	"github.com/orrery-dev/orrery/controllers/storage/volumedetach"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestStorage(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Attaching and detaching volumes")
}

// wait is how long the loops have at most, on a machine that does much else.
const wait = time.Minute

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

// cluster is a namespace of the server, and objects outside of any whose names begin with the namespace's, seen under one naming.
type cluster struct {
	client.Client
	naming    apis.Naming
	namespace string
}

// newCluster is a new namespace with two nodes. Nothing runs yet.
func newCluster(ctx context.Context, naming apis.Naming) *cluster {
	GinkgoHelper()
	namespace, err := admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	mgr, err := wiring.NewManager(wiring.Cluster{Config: env.Config, Naming: naming}, nil)
	Expect(err).NotTo(HaveOccurred())
	all, err := client.New(env.Config, client.Options{Scheme: mgr.GetScheme()})
	Expect(err).NotTo(HaveOccurred())
	c := &cluster{all, naming, namespace.Name}
	for _, name := range []string{"a", "b"} {
		node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: c.name(name)}}
		fakeattacher.Node(node)
		c.create(ctx, node, func() { gen.NodeReady(node) })
	}
	return c
}

// run runs the loops, and returns what stops them. They are stopped when the spec is over.
func (c *cluster) run() (stop func()) {
	GinkgoHelper()
	mgr, err := wiring.NewManager(wiring.Cluster{Config: env.Config, Naming: c.naming}, nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(loop.AddAll(mgr, loop.Options{AnyName: true}, volumeattach.Loop(), volumedetach.Loop(), driver())).To(Succeed())
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(ctx) }()
	over := false
	stop = func() {
		GinkgoHelper()
		if !over {
			over = true
			cancel()
			Expect(<-stopped).To(Succeed())
		}
	}
	DeferCleanup(stop)
	return stop
}

// name is that of an object outside of any namespace.
func (c *cluster) name(of string) string { return c.namespace + "-" + of }

// create creates an object, and then gives it a status.
func (c *cluster) create(ctx context.Context, obj client.Object, status ...func()) {
	GinkgoHelper()
	obj.SetUID("")
	obj.SetResourceVersion("")
	Expect(c.Create(ctx, obj)).To(Succeed())
	for _, set := range status {
		set()
		Expect(c.Status().Update(ctx, obj)).To(Succeed())
	}
}

// volume makes a volume of a driver, with a claim that it is bound to.
func (c *cluster) volume(ctx context.Context, name string, driver string) {
	GinkgoHelper()
	pv, claim := fakeattacher.Bound(name, corev1.ReadWriteOnce)
	claim.Namespace, claim.Spec.VolumeName = c.namespace, c.name(name)
	c.create(ctx, claim, func() { claim.Status.Phase = corev1.ClaimBound })
	pv.Name = c.name(name)
	pv.Spec.CSI.Driver, pv.Spec.CSI.VolumeHandle = driver, c.id(name).Handle
	pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: c.namespace, Name: name, UID: claim.UID}
	c.create(ctx, pv)
}

func (c *cluster) id(volume string) attachable.ID { return fakeattacher.ID(c.name(volume)) }

// pod runs a pod on a node, with claims.
func (c *cluster) pod(ctx context.Context, name, node string, claims ...string) {
	GinkgoHelper()
	pod := gen.Pod(name)
	for _, claim := range claims {
		gen.Claims(claim)(pod)
	}
	pod.Namespace, pod.Spec.NodeName = c.namespace, c.name(node)
	zero := int64(0)
	pod.Spec.TerminationGracePeriodSeconds = &zero
	c.create(ctx, pod)
}

// end deletes a pod at once, as a kubelet does at its end.
func (c *cluster) end(ctx context.Context, name string) {
	GinkgoHelper()
	Expect(c.Delete(ctx, &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name}}, client.GracePeriodSeconds(0))).To(Succeed())
}

// node is a node as it is now.
func (c *cluster) node(ctx context.Context, name string) *ocorev1.Node {
	GinkgoHelper()
	node := &ocorev1.Node{}
	Expect(c.Get(ctx, client.ObjectKey{Name: c.name(name)}, node)).To(Succeed())
	return node
}

// says has a node say that it has volumes in use.
func (c *cluster) says(ctx context.Context, name string, inUse ...corev1.UniqueVolumeName) {
	GinkgoHelper()
	node := c.node(ctx, name)
	was := node.DeepCopy()
	node.Status.VolumesInUse = inUse
	Expect(c.Status().Patch(ctx, node, client.MergeFrom(was))).To(Succeed())
}

// told are the volumes that a node is told to have.
func (c *cluster) told(ctx context.Context, node string) func() []corev1.AttachedVolume {
	return func() []corev1.AttachedVolume { return c.node(ctx, node).Status.VolumesAttached }
}

// attachments are those for the nodes here, by node and volume.
func (c *cluster) attachments(ctx context.Context) func() []string {
	return func() []string {
		GinkgoHelper()
		var all ostoragev1.VolumeAttachmentList
		Expect(c.List(ctx, &all)).To(Succeed())
		names := []string{}
		for _, attachment := range all.Items {
			for _, node := range []string{"a", "b"} {
				if attachment.Spec.NodeName == c.name(node) {
					names = append(names, attachment.Name)
				}
			}
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
		var told []string
		for _, event := range all.Items {
			if event.Regarding.Name == pod {
				told = append(told, event.Reason+": "+event.Note)
			}
		}
		return told
	}
}

// eventually is a state that the loops come to.
func eventually[T any](ctx context.Context, state func() T) AsyncAssertion {
	return Eventually(state).WithContext(ctx).WithTimeout(wait).WithPolling(20 * time.Millisecond)
}

// needsNoAttaching is a driver of that sort.
func (c *cluster) needsNoAttaching(ctx context.Context) string {
	GinkgoHelper()
	no := false
	name := c.name("driver")
	c.create(ctx, &ostoragev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: storagev1.CSIDriverSpec{AttachRequired: &no}})
	return name
}
