package volumedetach

import (
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// short names the attachment that is written out in plans by a hash.
var short = strings.NewReplacer(
	fakeattacher.ID("data").Attachment("a"), "OF-DATA",
	"kubernetes.io/csi/csi.example.com^handle-", "",
	"csi.example.com^handle-", "",
)

func TestPlan(t *testing.T) {
	ready := gen.Node("a", gen.NodeReady)
	silent := gen.Node("a", gen.NodeUnknown)
	told := func(node *ocorev1.Node) *ocorev1.Node {
		node = node.DeepCopy()
		node.Status.VolumesAttached = []corev1.AttachedVolume{{Name: "kubernetes.io/iscsi/disk"}, {Name: fakeattacher.ID("data").Name()}}
		return node
	}
	for _, test := range []struct {
		name   string
		node   *ocorev1.Node
		volume volume
		want   string
	}{
		{"tells the node and its pods of what has been attached", ready, data(neededBy("web"), isAttached),
			`status Node a {"status":{"volumesAttached":[{"devicePath":"","name":"data"}]}}` + "\n" +
				`event Normal SuccessfulAttachVolume for Pod default/web: AttachVolume.Attach succeeded for volume "data" `},
		{"says nothing while it is being attached", ready, data(neededBy("web")), "nothing to do"},
		{"says nothing of what the node knows", told(ready), data(neededBy("web"), isAttached, known), "nothing to do"},
		{"tells the node that a volume which pods need is on its way out", told(ready), data(neededBy("web"), isAttached, deleted, known),
			`status Node a {"status":{"volumesAttached":[{"devicePath":"","name":"kubernetes.io/iscsi/disk"}]}}`},
		{"tells the node that a volume which pods need has no attachment", told(ready), data(neededBy("web"), gone, known),
			`status Node a {"status":{"volumesAttached":[{"devicePath":"","name":"kubernetes.io/iscsi/disk"}]}}`},
		{"takes the volume from the node before it asks the driver to detach it", told(ready), data(unneeded(0), isAttached, known),
			`status Node a {"status":{"volumesAttached":[{"devicePath":"","name":"kubernetes.io/iscsi/disk"}]}}` + "\n" +
				`delete VolumeAttachment OF-DATA: no pod on node a needs the volume, and it is not in use`},
		{"calls off what is still being attached", ready, data(unneeded(0)),
			`delete VolumeAttachment OF-DATA: no pod on node a needs the volume, and it is not in use`},
		{"asks once", ready, data(unneeded(0), isAttached, deleted), "nothing to do"},
		{"leaves what is in use, however long, to a node that is ready", told(ready), data(unneeded(time.Hour), isAttached, known, inUse), "nothing to do"},
		{"waits six minutes for a node that is not ready", told(silent), data(unneeded(time.Minute), isAttached, known, inUse),
			"nothing to do\nlook again in 5m0s: nobody has needed volume data for 6m0s then"},
		{"takes what is in use from a node that has not been ready for six minutes", told(silent), data(unneeded(6*time.Minute), isAttached, known, inUse),
			`status Node a {"status":{"volumesAttached":[{"devicePath":"","name":"kubernetes.io/iscsi/disk"}]}}` + "\n" +
				`delete VolumeAttachment OF-DATA: no pod needs the volume, and node a is given up`},
		{"takes what is in use from a node out of service at once", gen.Node("a", gen.NodeUnknown, gen.Tainted(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute, 0)),
			data(unneeded(0), isAttached, inUse), `delete VolumeAttachment OF-DATA: no pod needs the volume, and node a is given up`},
		{"takes nothing that pods need from a node out of service", gen.Node("a", gen.NodeUnknown, gen.Tainted(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute, 0), func(n *ocorev1.Node) {
			n.Status.VolumesAttached = told(ready).Status.VolumesAttached
		}), data(neededBy("web"), isAttached, known, inUse), "nothing to do"},
		{"waits six minutes for a node that is gone", nil, data(unneeded(time.Minute), isAttached, inUse),
			"nothing to do\nlook again in 5m0s: nobody has needed volume data for 6m0s then"},
		{"gives a node up that has been gone for six minutes", nil, data(unneeded(6*time.Minute), isAttached, inUse),
			`delete VolumeAttachment OF-DATA: no pod needs the volume, and node a is given up`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := world{node: test.node, volumes: []volume{test.volume}}
			got := short.Replace((Controller{}).Plan(key("a"), w, gen.Now).String())
			if got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// data is the volume data on node a, asked for, after some changes.
func data(changes ...func(*volume)) volume {
	v := volume{ID: fakeattacher.ID("data"), attachment: fakeattacher.Attachment("data", "a")}
	for _, change := range changes {
		change(&v)
	}
	return v
}

func neededBy(name string) func(*volume) {
	return func(v *volume) { v.called, v.users = "data", []*ocorev1.Pod{gen.Pod(name)} }
}

func unneeded(since time.Duration) func(*volume) {
	return func(v *volume) { v.unneeded = gen.Now.Add(-since) }
}

func isAttached(v *volume) { v.attachment.Status.Attached = true }
func deleted(v *volume)    { gen.Deleted(v.attachment) }
func gone(v *volume)       { v.attachment = nil }
func known(v *volume)      { v.told = true }
func inUse(v *volume)      { v.inUse = true }

// The cache says that the node has nothing to do with the volume, and the API server knows better.
func TestAVolumeStaysThatTheNodeHasByTheAPIServer(t *testing.T) {
	name := fakeattacher.ID("data").Name()
	for has, change := range map[string]func(*ocorev1.Node){
		"in use":          func(n *ocorev1.Node) { n.Status.VolumesInUse = []corev1.UniqueVolumeName{name} },
		"told to have it": func(n *ocorev1.Node) { n.Status.VolumesAttached = []corev1.AttachedVolume{{Name: name}} },
	} {
		t.Run(has, func(t *testing.T) {
			gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) { staysWhile(t, scheme, change) })
		})
	}
}

func staysWhile(t *testing.T, scheme *runtime.Scheme, change func(*ocorev1.Node)) {
	t.Helper()
	cached, live := looptest.NewWorld(scheme), looptest.NewWorld(scheme)
	for _, index := range Loop().Indexes() {
		if err := cached.Index(index.Object, index.Field, index.Values); err != nil {
			t.Fatal(err)
		}
	}
	cached.Put(append(fakeattacher.Objects("data"), gen.Node("a", gen.NodeReady, fakeattacher.Node), fakeattacher.Attachment("data", "a"))...)
	live.Put(gen.Node("a", gen.NodeReady, fakeattacher.Node, change))
	passes := Loop().Reconciler(loop.Cluster{Client: cached.Client("loop"), Live: live.Client("loop"), Clock: cached.Clock()})
	result, err := passes.Reconcile(t.Context(), reconcile.Request{NamespacedName: key("a")})
	if err != nil || result.RequeueAfter != unseen {
		t.Errorf("the pass ends with %v and %v, want it to look again after %s", result, err, unseen)
	}
	if left := looptest.All[*ostoragev1.VolumeAttachment](cached); len(left) != 1 {
		t.Error("the attachment is deleted")
	}
	live.Put(gen.Node("a", gen.NodeReady, fakeattacher.Node))
	if _, err := passes.Reconcile(t.Context(), reconcile.Request{NamespacedName: key("a")}); err != nil {
		t.Error(err)
	}
	if left := looptest.All[*ostoragev1.VolumeAttachment](cached); len(left) != 0 {
		t.Error("the attachment is left although the node does not have the volume any more")
	}
}

// Somebody took the PersistentVolume away by force, and the node is still told to have it.
func TestAVolumeThatIsGoneIsDetachedByItsName(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := looptest.NewWorld(scheme)
		for _, index := range Loop().Indexes() {
			if err := w.Index(index.Object, index.Field, index.Values); err != nil {
				t.Fatal(err)
			}
		}
		node := gen.Node("a", gen.NodeReady, fakeattacher.Node)
		node.Status.VolumesAttached = []corev1.AttachedVolume{{Name: fakeattacher.ID("data").Name()}}
		w.Put(node, fakeattacher.Attachment("data", "a"))
		passes := Loop().Reconciler(loop.Cluster{Client: w.Client("loop"), Clock: w.Clock()})
		if _, err := passes.Reconcile(t.Context(), reconcile.Request{NamespacedName: key("a")}); err != nil {
			t.Fatal(err)
		}
		if left := looptest.All[*ostoragev1.VolumeAttachment](w); len(left) != 0 {
			t.Error("the attachment is left")
		}
	})
}
