package volumes

import (
	"context"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

type (
	ofClaim  = func(*ocorev1.PersistentVolumeClaim)
	ofVolume = func(*ocorev1.PersistentVolume)
)

// claimOf and volumeOf make a claim and a volume of a class that is the spec's own, so that no other spec's fits it.
func claimOf(c *cluster, class string) ofClaim { return gen.ClaimOfClass(c.own(class)) }

func volumeOf(c *cluster, class string) ofVolume { return gen.VolumeOfClass(c.own(class)) }

func size(of string) ofVolume {
	return func(volume *ocorev1.PersistentVolume) { volume.Spec.Capacity = gen.Storage(of) }
}

func policy(policy corev1.PersistentVolumeReclaimPolicy) ofVolume {
	return func(volume *ocorev1.PersistentVolume) { volume.Spec.PersistentVolumeReclaimPolicy = policy }
}

func named(volume string) ofClaim {
	return func(claim *ocorev1.PersistentVolumeClaim) { claim.Spec.VolumeName = volume }
}

// class creates a class whose name begins as the cluster's namespace does.
func (c *cluster) class(ctx context.Context, name, provisioner string, changes ...func(*ostoragev1.StorageClass)) {
	GinkgoHelper()
	class := gen.StorageClass(c.own(name), provisioner, changes...)
	class.UID = ""
	Expect(c.Create(ctx, class)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(c.Delete(ctx, class))).To(Succeed()) })
}

var _ = Describe("A claim", func() {
	for _, naming := range apis.Namings() {
		Context("under the naming "+naming.String(), func() {
			var c *cluster
			BeforeEach(func() { c = start(naming) })

			It("gets the smallest volume that will do, and each names the other", func(ctx SpecContext) {
				c.volume(ctx, gen.PersistentVolume("big", volumeOf(c, "x"), size("5Gi")))
				c.volume(ctx, gen.PersistentVolume("small", volumeOf(c, "x"), size("2Gi")))
				c.volume(ctx, gen.PersistentVolume("tiny", volumeOf(c, "x"), size("1Mi")))
				for _, name := range []string{"big", "small", "tiny"} {
					c.volumeIs(ctx, name, corev1.VolumeAvailable)
				}
				c.claim(ctx, gen.PersistentVolumeClaim("data", claimOf(c, "x")))

				claim := c.claimIs(ctx, "data", corev1.ClaimBound)
				Expect(claim.Spec.VolumeName).To(Equal(c.own("small")))
				Expect(claim.Status.Capacity.Storage().String()).To(Equal("2Gi"))
				Expect(claim.Annotations).To(And(HaveKey("pv.kubernetes.io/bind-completed"), HaveKey("pv.kubernetes.io/bound-by-controller")))
				volume := c.volumeIs(ctx, "small", corev1.VolumeBound)
				Expect(volume.Spec.ClaimRef.UID).To(Equal(claim.UID))
				Expect(volume.Status.LastPhaseTransitionTime).NotTo(BeNil())
			}, NodeTimeout(patience))

			It("gets a volume that comes later", func(ctx SpecContext) {
				c.claim(ctx, gen.PersistentVolumeClaim("data", gen.ClaimOfClass("")))
				c.isSaid(ctx, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
				c.volume(ctx, gen.PersistentVolume("late"))
				c.claimIs(ctx, "data", corev1.ClaimBound)
			}, NodeTimeout(patience))

			It("gets the volume that is reserved for it, or that it asks for by name", func(ctx SpecContext) {
				c.volume(ctx, gen.PersistentVolume("reserved", volumeOf(c, "x"), size("5Gi"), c.reserved("data")))
				c.claim(ctx, gen.PersistentVolumeClaim("data", claimOf(c, "x")))
				Expect(c.claimIs(ctx, "data", corev1.ClaimBound).Spec.VolumeName).To(Equal(c.own("reserved")))
				Expect(c.volumeIs(ctx, "reserved", corev1.VolumeBound).Annotations).NotTo(HaveKey("pv.kubernetes.io/bound-by-controller"))

				c.claim(ctx, gen.PersistentVolumeClaim("other", claimOf(c, "x"), named(c.own("asked"))))
				c.volume(ctx, gen.PersistentVolume("asked", volumeOf(c, "x")))
				c.claimIs(ctx, "other", corev1.ClaimBound)
			}, NodeTimeout(patience))

			It("is told why the volume that it asks for is not for it", func(ctx SpecContext) {
				c.volume(ctx, gen.PersistentVolume("tiny", volumeOf(c, "x"), size("1Mi")))
				c.claim(ctx, gen.PersistentVolumeClaim("data", claimOf(c, "x"), named(c.own("tiny"))))
				c.isSaid(ctx, "VolumeMismatch", "requested PV is too small")
				c.claimIs(ctx, "data", corev1.ClaimPending)
			}, NodeTimeout(patience))

			It("is lost when its volume is gone", func(ctx SpecContext) {
				c.volume(ctx, gen.PersistentVolume("gone", volumeOf(c, "x")))
				c.claim(ctx, gen.PersistentVolumeClaim("data", claimOf(c, "x")))
				c.claimIs(ctx, "data", corev1.ClaimBound)
				volume := c.volumeIs(ctx, "gone", corev1.VolumeBound)
				Expect(c.Delete(ctx, volume)).To(Succeed())
				Eventually(ctx, func() error { // as by force: the loop that protects it puts its finalizer back until it is being deleted
					return client.IgnoreNotFound(c.Patch(ctx, volume, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))))
				}).Should(Succeed())
				c.claimIs(ctx, "data", corev1.ClaimLost)
				c.isSaid(ctx, "ClaimLost", "Data on the volume is lost!")
			}, NodeTimeout(patience))

			It("is handed to the provisioner of its class, and gets what that makes", func(ctx SpecContext) {
				c.class(ctx, "x", "example.com/disks")
				c.claim(ctx, gen.PersistentVolumeClaim("data", claimOf(c, "x")))
				c.isSaid(ctx, "ExternalProvisioning", "external provisioner 'example.com/disks'")
				claim, err := c.theClaim(ctx, "data")
				Expect(err).NotTo(HaveOccurred())
				Expect(claim.Annotations).To(And(
					HaveKeyWithValue("volume.kubernetes.io/storage-provisioner", "example.com/disks"),
					HaveKeyWithValue("volume.beta.kubernetes.io/storage-provisioner", "example.com/disks")))
				c.volume(ctx, gen.PersistentVolume("made", volumeOf(c, "x"), func(volume *ocorev1.PersistentVolume) {
					volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: c.namespace, Name: "data", UID: claim.UID}
				}))
				Expect(c.claimIs(ctx, "data", corev1.ClaimBound).Spec.VolumeName).To(Equal(c.own("made")))
			}, NodeTimeout(patience))

			It("of no class gets the default one that comes later", Serial, func(ctx SpecContext) {
				c.claim(ctx, gen.PersistentVolumeClaim("data", func(claim *ocorev1.PersistentVolumeClaim) { claim.Spec.StorageClassName = nil }))
				c.isSaid(ctx, "FailedBinding", "no storage class is set")
				c.class(ctx, "default", "example.com/disks", gen.DefaultClass)
				c.isSaid(ctx, "ExternalProvisioning", "example.com/disks")
			}, NodeTimeout(patience))
		})
	}
})

var _ = Describe("A volume", func() {
	for _, naming := range apis.Namings() {
		Context("under the naming "+naming.String(), func() {
			var c *cluster
			BeforeEach(func() { c = start(naming) })

			boundThenFree := func(ctx context.Context, changes ...ofVolume) {
				GinkgoHelper()
				c.volume(ctx, gen.PersistentVolume("disk", append(changes, volumeOf(c, "x"))...))
				claim := gen.PersistentVolumeClaim("data", claimOf(c, "x"))
				c.claim(ctx, claim)
				c.claimIs(ctx, "data", corev1.ClaimBound)
				Expect(c.Delete(ctx, claim)).To(Succeed())
			}

			It("is released with its claim, and available again when a person says so", func(ctx SpecContext) {
				boundThenFree(ctx)
				volume := c.volumeIs(ctx, "disk", corev1.VolumeReleased)
				Expect(c.Patch(ctx, volume, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"claimRef":null}}`)))).To(Succeed())
				c.volumeIs(ctx, "disk", corev1.VolumeAvailable)
			}, NodeTimeout(patience))

			It("that nobody can delete fails, and says why", func(ctx SpecContext) {
				boundThenFree(ctx, policy(corev1.PersistentVolumeReclaimDelete))
				Expect(c.volumeIs(ctx, "disk", corev1.VolumeFailed).Status.Message).To(ContainSubstring("no deletable volume plugin matched"))
			}, NodeTimeout(patience))

			It("is scrubbed by a pod before it is available again", func(ctx SpecContext) {
				boundThenFree(ctx, policy(corev1.PersistentVolumeReclaimRecycle))
				key := client.ObjectKey{Namespace: "default", Name: "recycler-for-" + c.own("disk")}
				Eventually(ctx, func(g Gomega) { // the simulated runtime has no shell that would end
					pod := &ocorev1.Pod{}
					err := c.Get(ctx, key, pod)
					if err == nil && pod.Status.Phase != corev1.PodSucceeded {
						pod.Status.Phase = corev1.PodSucceeded
						g.Expect(c.Status().Update(ctx, pod)).To(Succeed())
					}
					volume, err := c.theVolume(ctx, "disk")
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(volume.Status.Phase).To(Equal(corev1.VolumeAvailable))
					g.Expect(volume.Spec.ClaimRef).To(BeNil())
				}).Should(Succeed())
			}, NodeTimeout(patience))
		})
	}
})

var _ = Describe("A claim that waits for its first consumer", func() {
	It("is bound with the pod that uses it, on the node where a volume is", func(ctx SpecContext) {
		c := start(apis.Kubernetes)
		c.class(ctx, "local", "kubernetes.io/no-provisioner", gen.WaitsForConsumer)
		var nodes ocorev1.NodeList
		Eventually(ctx, func(g Gomega) {
			g.Expect(c.List(ctx, &nodes)).To(Succeed())
			g.Expect(nodes.Items).NotTo(BeEmpty())
		}).Should(Succeed())
		c.volume(ctx, gen.PersistentVolume("disk", volumeOf(c, "local"), onNode(nodes.Items[0].Name)))
		c.claim(ctx, gen.PersistentVolumeClaim("data", claimOf(c, "local")))
		c.isSaid(ctx, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
		c.volumeIs(ctx, "disk", corev1.VolumeAvailable)

		pod := gen.Pod("web", gen.Claims("data"), func(pod *ocorev1.Pod) { // nobody says of the node that it is ready
			pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		})
		pod.Namespace, pod.UID = c.namespace, ""
		Expect(c.Create(ctx, pod)).To(Succeed())
		c.claimIs(ctx, "data", corev1.ClaimBound)
		Eventually(ctx, func(g Gomega) {
			g.Expect(c.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
			g.Expect(pod.Status.Phase).To(Equal(corev1.PodRunning))
		}).Should(Succeed())
	}, NodeTimeout(patience))
})

// onNode makes a volume a disk of one node.
func onNode(node string) ofVolume {
	return func(volume *ocorev1.PersistentVolume) {
		volume.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/disk"}}
		volume.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
		}}}}
	}
}
