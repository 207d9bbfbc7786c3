// Package volumes lets the loops of claims and volumes run against an API server, under both namings: built-in kinds, beside a scheduler
// and a simulated node, and custom resources on a server that knows nothing of them.
package volumes

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/pvbinder"
	"github.com/orrery-dev/orrery/controllers/core/pvcprotection"
	"github.com/orrery-dev/orrery/controllers/core/pvexpander"
	"github.com/orrery-dev/orrery/controllers/core/pvprotection"
	"github.com/orrery-dev/orrery/controllers/core/pvreclaimer"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var env = &envtest.Environment{
	CRDDirectoryPaths: []string{filepath.Join("..", "..", "..", "..", "config", "crd", "bases")},
	Scheduler:         true,
	SimulatedNodes:    1,
}

// patience is how long one spec may take.
const patience = 2 * time.Minute

func TestClaimsAndVolumes(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Claims and volumes")
}

var _ = BeforeSuite(func() {
	_, err := env.Start()
	Expect(err).NotTo(HaveOccurred())
})

var _ = AfterSuite(func() { Expect(env.Stop()).To(Succeed()) })

// cluster is a namespace of the server, seen under one naming, with the loops running.
type cluster struct {
	client.Client
	namespace string
}

// start runs the loops for one spec.
func start(naming apis.Naming) *cluster {
	GinkgoHelper()
	mgr, err := wiring.NewManager(wiring.Cluster{Config: env.Config, Naming: naming}, nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(loop.AddAll(mgr, loop.Options{}, pvbinder.Loop(), pvreclaimer.Loop(), pvexpander.Loop(), pvcprotection.Loop(), pvprotection.Loop())).To(Succeed())
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(ctx) }()
	DeferCleanup(func() {
		stop()
		Expect(<-stopped).To(Succeed())
	})
	c, err := client.New(env.Config, client.Options{Scheme: mgr.GetScheme()})
	Expect(err).NotTo(HaveOccurred())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	Expect(c.Create(context.Background(), namespace)).To(Succeed())
	return &cluster{Client: c, namespace: namespace.Name}
}

// claim creates a claim, and volume a volume, whose name begins as the cluster's namespace does: volumes have none of their own.
func (c *cluster) claim(ctx context.Context, claim *ocorev1.PersistentVolumeClaim) {
	GinkgoHelper()
	claim.Namespace, claim.UID = c.namespace, ""
	Expect(c.Create(ctx, claim)).To(Succeed())
}

func (c *cluster) volume(ctx context.Context, volume *ocorev1.PersistentVolume) *ocorev1.PersistentVolume {
	GinkgoHelper()
	volume.Name, volume.UID = c.own(volume.Name), ""
	Expect(c.Create(ctx, volume)).To(Succeed())
	return volume
}

// own is the name of something that is in no namespace.
func (c *cluster) own(name string) string { return c.namespace + "-" + name }

// reserved makes a volume one that is kept for a claim.
func (c *cluster) reserved(claim string) func(*ocorev1.PersistentVolume) {
	return func(volume *ocorev1.PersistentVolume) {
		volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: c.namespace, Name: claim}
	}
}

func (c *cluster) theClaim(ctx context.Context, name string) (*ocorev1.PersistentVolumeClaim, error) {
	claim := &ocorev1.PersistentVolumeClaim{}
	return claim, c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, claim)
}

func (c *cluster) theVolume(ctx context.Context, name string) (*ocorev1.PersistentVolume, error) {
	volume := &ocorev1.PersistentVolume{}
	return volume, c.Get(ctx, client.ObjectKey{Name: c.own(name)}, volume)
}

// claimIs waits until a claim is in a phase, and returns it.
func (c *cluster) claimIs(ctx context.Context, name string, phase corev1.PersistentVolumeClaimPhase) *ocorev1.PersistentVolumeClaim {
	GinkgoHelper()
	var claim *ocorev1.PersistentVolumeClaim
	Eventually(ctx, func(g Gomega) {
		var err error
		claim, err = c.theClaim(ctx, name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(claim.Status.Phase).To(Equal(phase))
	}).Should(Succeed())
	return claim
}

// volumeIs waits until a volume is in a phase, and returns it.
func (c *cluster) volumeIs(ctx context.Context, name string, phase corev1.PersistentVolumePhase) *ocorev1.PersistentVolume {
	GinkgoHelper()
	var volume *ocorev1.PersistentVolume
	Eventually(ctx, func(g Gomega) {
		var err error
		volume, err = c.theVolume(ctx, name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(volume.Status.Phase).To(Equal(phase))
	}).Should(Succeed())
	return volume
}

// isSaid waits until an event about something in the namespace has a reason and a note that contains some words.
func (c *cluster) isSaid(ctx context.Context, reason, words string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		var events eventsv1.EventList
		g.Expect(c.List(ctx, &events, client.InNamespace(c.namespace))).To(Succeed())
		var said []string
		for _, event := range events.Items {
			said = append(said, event.Reason+": "+event.Note)
		}
		g.Expect(said).To(ContainElement(And(HavePrefix(reason+": "), ContainSubstring(words))))
	}).Should(Succeed())
}
