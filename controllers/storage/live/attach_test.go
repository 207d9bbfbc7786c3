package live

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = Describe("A volume that one node at a time may have", func() {
	for _, naming := range apis.Namings() {
		Describe("under the naming of "+naming.String(), func() {
			var c *cluster
			BeforeEach(func(ctx SpecContext) {
				c = newCluster(ctx, naming)
				c.volume(ctx, "data", fakeattacher.Driver)
			})

			It("is attached where its pod is, and the node and the pod are told", func(ctx SpecContext) {
				c.run()
				c.pod(ctx, "web", "a", "data")
				eventually(ctx, c.told(ctx, "a")).Should(ConsistOf(HaveField("Name", c.id("data").Name())))
				attachment := &ostoragev1.VolumeAttachment{}
				Expect(c.Get(ctx, client.ObjectKey{Name: c.id("data").Attachment(c.name("a"))}, attachment)).To(Succeed())
				Expect(attachment.Spec.Attacher).To(Equal(fakeattacher.Driver))
				Expect(attachment.Spec.Source.PersistentVolumeName).To(HaveValue(Equal(c.name("data"))))
				eventually(ctx, c.events(ctx, "web")).Should(ContainElement(HavePrefix(`SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "` + c.name("data") + `"`)))
			})

			It("waits for the node that has it in use, says so to the next pod, and moves", func(ctx SpecContext) {
				c.run()
				c.pod(ctx, "web", "a", "data")
				c.says(ctx, "a", c.id("data").Name())
				eventually(ctx, c.told(ctx, "a")).ShouldNot(BeEmpty())
				c.pod(ctx, "db", "b", "data")
				eventually(ctx, c.events(ctx, "db")).Should(ContainElement(
					`FailedAttachVolume: Waiting for detach for volume "` + c.name("data") + `" Volume is already used by pod(s) web`))
				c.end(ctx, "web")
				c.volume(ctx, "later", fakeattacher.Driver)
				c.pod(ctx, "later", "a", "later")
				eventually(ctx, c.told(ctx, "a")).Should(HaveLen(2), "when the loops have seen what came after the end of the first pod, the volume is still there")
				Expect(c.attachments(ctx)()).To(ConsistOf(c.id("data").Attachment(c.name("a")), c.id("later").Attachment(c.name("a"))))
				c.says(ctx, "a")
				eventually(ctx, c.told(ctx, "b")).ShouldNot(BeEmpty())
				Expect(c.attachments(ctx)()).To(ConsistOf(c.id("data").Attachment(c.name("b")), c.id("later").Attachment(c.name("a"))))
				Expect(c.told(ctx, "a")()).To(ConsistOf(HaveField("Name", c.id("later").Name())))
			})

			It("is taken at once from a node that is put out of service", func(ctx SpecContext) {
				c.run()
				c.pod(ctx, "web", "a", "data")
				c.says(ctx, "a", c.id("data").Name())
				eventually(ctx, c.told(ctx, "a")).ShouldNot(BeEmpty())
				c.end(ctx, "web")
				node := c.node(ctx, "a")
				was := node.DeepCopy()
				node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute})
				Expect(c.Patch(ctx, node, client.MergeFrom(was))).To(Succeed())
				eventually(ctx, c.attachments(ctx)).Should(BeEmpty())
			})

			It("is detached by loops that come back after its pod has gone", func(ctx SpecContext) {
				stop := c.run()
				c.pod(ctx, "web", "a", "data")
				eventually(ctx, c.told(ctx, "a")).ShouldNot(BeEmpty())
				stop()
				c.end(ctx, "web")
				c.run()
				eventually(ctx, c.attachments(ctx)).Should(BeEmpty())
				eventually(ctx, c.told(ctx, "a")).Should(BeEmpty())
			})

			It("is not attached where its driver needs no attaching", func(ctx SpecContext) {
				c.volume(ctx, "files", c.needsNoAttaching(ctx))
				c.run()
				c.pod(ctx, "web", "a", "files", "data")
				eventually(ctx, c.told(ctx, "a")).ShouldNot(BeEmpty())
				Expect(c.attachments(ctx)()).To(ConsistOf(c.id("data").Attachment(c.name("a"))))
			})

			It("has its pod told why it could not be attached", func(ctx SpecContext) {
				c.volume(ctx, broken, fakeattacher.Driver)
				c.run()
				c.pod(ctx, "web", "a", broken)
				eventually(ctx, c.events(ctx, "web")).Should(ContainElement(
					`FailedAttachVolume: AttachVolume.Attach failed for volume "` + c.name(broken) + `" : no such disk`))
			})
		})
	}
})
