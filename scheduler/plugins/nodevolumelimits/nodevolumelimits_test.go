package nodevolumelimits

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/csi"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

const driver = "csi.example.com"

// handle gives the plugin informers that know certain objects, and never start.
type handle struct {
	fwk.Handle
	factory informers.SharedInformerFactory
}

func (h handle) SharedInformerFactory() informers.SharedInformerFactory { return h.factory }
func (h handle) SharedCSIManager() fwk.CSIManager                       { return csi.NewManager(h.factory) }

func pluginWith(t *testing.T, objects ...runtime.Object) *Plugin {
	t.Helper()
	factory := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	for _, object := range objects {
		indexer := factory.Core().V1().PersistentVolumeClaims().Informer().GetIndexer()
		switch object.(type) {
		case *corev1.PersistentVolume:
			indexer = factory.Core().V1().PersistentVolumes().Informer().GetIndexer()
		case *storagev1.StorageClass:
			indexer = factory.Storage().V1().StorageClasses().Informer().GetIndexer()
		case *storagev1.CSINode:
			indexer = factory.Storage().V1().CSINodes().Informer().GetIndexer()
		case *storagev1.CSIDriver:
			indexer = factory.Storage().V1().CSIDrivers().Informer().GetIndexer()
		case *storagev1.VolumeAttachment:
			indexer = factory.Storage().V1().VolumeAttachments().Informer().GetIndexer()
		}
		if err := indexer.Add(object); err != nil {
			t.Fatal(err)
		}
	}
	plugin, err := New(t.Context(), nil, handle{factory: factory})
	if err != nil {
		t.Fatal(err)
	}
	return plugin.(*Plugin)
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func csiVolume(name string) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: named(name)}
	v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: name}
	return v
}

func disk(name, id string) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: named(name)}
	v.Spec.AWSElasticBlockStore = &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: id}
	return v
}

// claim is bound to a volume, or with "" waits for one of the class.
func claim(name, volume string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	c.Spec.VolumeName, c.Spec.StorageClassName = volume, ptr.To("class")
	return c
}

func class(provisioner string) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: named("class"), Provisioner: provisioner}
}

func csiNode(limits map[string]int32) *storagev1.CSINode {
	node := &storagev1.CSINode{ObjectMeta: named("node")}
	for name, limit := range limits {
		node.Spec.Drivers = append(node.Spec.Drivers, storagev1.CSINodeDriver{
			Name: name, Allocatable: &storagev1.VolumeNodeResources{Count: &limit},
		})
	}
	return node
}

func attached(volume string) *storagev1.VolumeAttachment {
	a := &storagev1.VolumeAttachment{ObjectMeta: named("attachment-" + volume)}
	a.Spec.NodeName, a.Spec.Attacher, a.Spec.Source.PersistentVolumeName = "node", driver, &volume
	return a
}

func pod(claims ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}}
	for _, name := range claims {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
		}})
	}
	return p
}

func TestFilter(t *testing.T) {
	two := csiNode(map[string]int32{driver: 2})
	storage := []runtime.Object{
		csiVolume("v1"), csiVolume("v2"), csiVolume("v3"), class(driver),
		claim("c1", "v1"), claim("c2", "v2"), claim("c3", "v3"), claim("also-c1", "v1"), claim("unbound", ""),
	}
	for _, test := range []struct {
		name    string
		objects []runtime.Object
		running []*corev1.Pod
		pod     *corev1.Pod
		want    string // the reason, or ""
	}{
		{"as many as the driver can attach", []runtime.Object{two}, []*corev1.Pod{pod("c1")}, pod("c2"), ""},
		{"one more than that", []runtime.Object{two}, []*corev1.Pod{pod("c1"), pod("c2")}, pod("c3"), reason},
		{"a volume of two pods counts once", []runtime.Object{two}, []*corev1.Pod{pod("c1"), pod("also-c1")}, pod("c2"), ""},
		{"a volume that is there already is no more", []runtime.Object{two}, []*corev1.Pod{pod("c1"), pod("c2")}, pod("c1"), ""},
		{"a volume that is yet to be made counts", []runtime.Object{two}, []*corev1.Pod{pod("unbound"), pod("c1")}, pod("c2"), reason},
		{"a volume that is yet to be detached counts", []runtime.Object{two, attached("v3")}, []*corev1.Pod{pod("c1")}, pod("c2"), reason},
		{"an attachment for a pod on the node counts once", []runtime.Object{two, attached("v1")}, []*corev1.Pod{pod("c1")}, pod("c2"), ""},
		{"a driver without a limit", []runtime.Object{csiNode(nil)}, []*corev1.Pod{pod("c1"), pod("c2")}, pod("c3"), ""},
		{"a node without drivers", nil, []*corev1.Pod{pod("c1"), pod("c2")}, pod("c3"), ""},
		{
			"a node without the driver, where the driver minds",
			[]runtime.Object{&storagev1.CSIDriver{ObjectMeta: named(driver), Spec: storagev1.CSIDriverSpec{PreventPodSchedulingIfMissing: ptr.To(true)}}},
			nil, pod("c1"), driver + " CSI driver is not installed on the node",
		},
		{"a claim of a running pod that has gone is not counted", []runtime.Object{two}, []*corev1.Pod{pod("gone"), pod("c1")}, pod("c2"), ""},
		{"a claim of the pod that has gone", nil, nil, pod("gone"), `looking up PVC default/gone: persistentvolumeclaim "gone" not found`},
		{
			"a disk of the old plugin is its driver's",
			[]runtime.Object{csiNode(map[string]int32{"ebs.csi.aws.com": 1}), disk("d1", "vol-1"), disk("d2", "vol-2"), claim("e1", "d1"), claim("e2", "d2")},
			[]*corev1.Pod{pod("e1")}, pod("e2"), reason,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := pluginWith(t, append(test.objects, storage...)...)
			state := framework.NewCycleState(false)
			if _, status := p.PreFilter(t.Context(), state, test.pod, nil); !status.IsSuccess() {
				t.Fatalf("PreFilter: %v", status)
			}
			node := nodeinfo.ForNode(&corev1.Node{ObjectMeta: named("node")}, test.running...)
			if got := p.Filter(t.Context(), state, test.pod, node).Message(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAPodWithoutVolumesIsSkipped(t *testing.T) {
	withSecret := &corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}}}}}
	for _, pod := range []*corev1.Pod{{}, withSecret} {
		if _, status := (&Plugin{}).PreFilter(t.Context(), nil, pod, nil); !status.IsSkip() {
			t.Errorf("got %v, want Skip", status)
		}
	}
}
