package volumeattach

import (
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// short names the attachments that are written out in plans by a hash.
var short = strings.NewReplacer(fakeattacher.ID("data").Attachment("a"), "ON-A", fakeattacher.ID("data").Attachment("b"), "ON-B")

func TestPlan(t *testing.T) {
	taken := "nothing to do: another node than b has the volume, and one at a time may have it\n" + `event Warning FailedAttachVolume for Pod default/db: Waiting for detach for volume "data" `
	failed := "nothing to do: the volume could not be attached to node a\n" + `event Warning FailedAttachVolume for Pod default/web: AttachVolume.Attach failed for volume "data" : `
	for _, test := range []struct {
		name        string
		wanted      []want
		attachments []*ostoragev1.VolumeAttachment
		want        string
	}{
		{"asks for a volume where pods want it", wants("a", shared, "web"), nil, "create VolumeAttachment ON-A: pods need the volume on node a"},
		{"asks for a volume that many may have on all nodes at once", both(shared), nil,
			"create 2 VolumeAttachments (ON-A, ON-B): pods need the volume on node a, b"},
		{"asks for a volume that one may have where pods have waited longest", both(exclusive), nil,
			"create VolumeAttachment ON-A: pods need the volume on node a"},
		{"asks for it nowhere else while the first node is getting it", both(exclusive), attachments(on("a")),
			"nothing to do: another node than b has the volume, and one at a time may have it\nlook again in 2m0s: the driver has had 2m0s to attach the volume to node a then"},
		{"names the pods on the node that has it", both(exclusive), attachments(on("a", isAttached)),
			taken + "Volume is already used by pod(s) web"},
		{"names no pods of other namespaces", append(wants("a", exclusive, "web", "elsewhere/one"), wants("b", exclusive, "db")...), attachments(on("a", isAttached)),
			taken + "Volume is already used by pod(s) web and 1 pod(s) in different namespaces"},
		{"counts pods of other namespaces", append(wants("a", exclusive, "elsewhere/one", "elsewhere/two"), wants("b", exclusive, "db")...), attachments(on("a", isAttached)),
			taken + "Volume is already used by 2 pod(s) in different namespaces"},
		{"says so when nobody needs it there any more", wants("b", exclusive, "db"), attachments(on("a", isAttached)),
			taken + "Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node"},
		{"waits quietly while it is being detached there", wants("b", exclusive, "db"), attachments(on("a", isAttached, deleted)),
			"nothing to do: another node than b has the volume, and one at a time may have it"},
		{"waits when it comes back to a node from which it is being detached", wants("a", exclusive, "web"), attachments(on("a", isAttached, deleted)),
			"nothing to do: the volume is being detached from node a first"},
		{"leaves alone what is attached", wants("a", exclusive, "web"), attachments(on("a", isAttached)), "nothing to do"},
		{"detaches nothing", nil, attachments(on("a", isAttached)), "nothing to do"},
		{"tells the pods why the driver could not", wants("a", exclusive, "web"), attachments(on("a", refused("no such disk"))), failed + "no such disk"},
		{"tells the pods that the driver does not answer", late(wants("a", exclusive, "web")), attachments(on("a")),
			failed + "timed out waiting for external-attacher of csi.example.com CSI driver to attach volume handle-data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := world{wanted: test.wanted, attachments: map[string]*ostoragev1.VolumeAttachment{}}
			for _, attachment := range test.attachments {
				w.attachments[attachment.Spec.NodeName] = attachment
			}
			got := told((Controller{}).Plan(key(fakeattacher.ID("data")), w, gen.Now))
			if got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// told is a plan with what it says and does not do.
func told(p *plan.Plan) string {
	lines := []string{p.String()}
	for _, step := range p.All() {
		if step.Verb() == "event" {
			lines = append(lines, step.String()+": "+step.Why())
		}
	}
	return short.Replace(strings.Join(lines, "\n"))
}

const exclusive, shared = corev1.ReadWriteOnce, corev1.ReadWriteMany

// wants is a node on which pods want the volume data.
func wants(node string, mode corev1.PersistentVolumeAccessMode, pods ...string) []want {
	pv, _ := fakeattacher.Bound("data", mode)
	volume, _ := attachable.OfPersistentVolume(pv)
	w := want{node: node, volume: volume, unanswered: gen.Now}
	for _, name := range pods {
		namespace, name, elsewhere := strings.Cut(name, "/")
		if !elsewhere {
			namespace, name = "default", namespace
		}
		w.pods = append(w.pods, gen.Pod(name, func(pod *ocorev1.Pod) { pod.Namespace = namespace }))
	}
	return []want{w}
}

func both(mode corev1.PersistentVolumeAccessMode) []want {
	return append(wants("a", mode, "web"), wants("b", mode, "db")...)
}

func late(wanted []want) []want {
	wanted[0].unanswered = gen.Now.Add(-2 * time.Minute)
	return wanted
}

func attachments(all ...*ostoragev1.VolumeAttachment) []*ostoragev1.VolumeAttachment { return all }

func on(node string, changes ...func(*ostoragev1.VolumeAttachment)) *ostoragev1.VolumeAttachment {
	attachment := fakeattacher.Attachment("data", node)
	for _, change := range changes {
		change(attachment)
	}
	return attachment
}

func isAttached(a *ostoragev1.VolumeAttachment) { a.Status.Attached = true }
func deleted(a *ostoragev1.VolumeAttachment)    { gen.Deleted(a) }

func refused(why string) func(*ostoragev1.VolumeAttachment) {
	return func(a *ostoragev1.VolumeAttachment) { a.Status.AttachError = &storagev1.VolumeError{Message: why} }
}
