package volumebinding

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
	"k8s.io/utils/ptr"
)

const provisioner = "csi.example.com"

func nodeIn(zone string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-" + zone, Labels: map[string]string{"zone": zone}}}
}

func sized(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}

func newClaim(name, size string, changes ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "1", ResourceVersion: "1"}}
	c.Spec.StorageClassName = ptr.To("class")
	c.Spec.Resources.Requests = sized(size)
	for _, change := range changes {
		change(c)
	}
	return c
}

// forNode is how a claim looks for which an earlier attempt chose a node.
func forNode(node string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) {
		metav1.SetMetaDataAnnotation(&c.ObjectMeta, volume.AnnSelectedNode, node)
	}
}

// boundTo is how a claim looks that has its volume.
func boundTo(name string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) {
		c.Spec.VolumeName = name
		metav1.SetMetaDataAnnotation(&c.ObjectMeta, volume.AnnBindCompleted, "yes")
	}
}

// newVolume is available to nodes in the zone, or with "" to all.
func newVolume(name, size, zone string, changes ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: "1"}}
	v.Spec.StorageClassName = "class"
	v.Spec.Capacity = sized(size)
	v.Status.Phase = corev1.VolumeAvailable
	if zone != "" {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}},
		}}}}
	}
	for _, change := range changes {
		change(v)
	}
	return v
}

func promisedTo(claim string) func(*corev1.PersistentVolume) {
	return func(v *corev1.PersistentVolume) {
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: claim, UID: "1"}
	}
}

func newPool(name, room, zone string) *storagev1.CSIStorageCapacity {
	return &storagev1.CSIStorageCapacity{
		ObjectMeta: metav1.ObjectMeta{Name: name}, StorageClassName: "class", Capacity: ptr.To(resource.MustParse(room)),
		NodeTopology: &metav1.LabelSelector{MatchLabels: map[string]string{"zone": zone}},
	}
}

// made is a class whose volumes a provisioner makes; notMade is one whose volumes somebody else does.
var (
	made    = &storagev1.StorageClass{Provisioner: provisioner}
	notMade = &storagev1.StorageClass{Provisioner: volume.NotSupportedProvisioner}
)

func waitingFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, volumes ...*corev1.PersistentVolume) waitingClaim {
	return waitingClaim{PersistentVolumeClaim: claim, class: class, candidates: newCandidates(claim, volumes), topology: newTopology(class.AllowedTopologies)}
}

func withPools(claim waitingClaim, all ...*storagev1.CSIStorageCapacity) waitingClaim {
	claim.pools = newPools(all, "class", claim.Spec.Resources.Requests.Storage().Value())
	return claim
}

func bound(claim string, v *corev1.PersistentVolume) boundClaim {
	b := boundClaim{PersistentVolumeClaim: newClaim(claim, "1Gi", boundTo("v"))}
	if v != nil {
		served := serve(v)
		b.volume = &served
	}
	return b
}

// outcome is a decision in words.
type outcome struct {
	Reasons     []string
	Bound       map[string]string
	Provisioned []string
}

func outcomeOf(d *decision) outcome {
	o := outcome{Reasons: d.reasons()}
	for _, binding := range d.bindings {
		if o.Bound == nil {
			o.Bound = map[string]string{}
		}
		o.Bound[binding.claim.Name] = binding.volume.Name
	}
	for _, provision := range d.provisions {
		o.Provisioned = append(o.Provisioned, provision.claim.Name)
	}
	return o
}

func TestDecide(t *testing.T) {
	small, large := newVolume("small", "1Gi", "a"), newVolume("large", "5Gi", "a")
	onlyB := &storagev1.StorageClass{Provisioner: provisioner, AllowedTopologies: []corev1.TopologySelectorTerm{
		{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: "zone", Values: []string{"b"}}}},
	}}
	elsewhere := waitingFor(newClaim("data", "1Gi", forNode("node-b")), made)
	here := waitingFor(newClaim("data", "1Gi", forNode("node-a")), made)
	for _, test := range []struct {
		name   string
		claims podClaims
		want   outcome // on a node in zone a
	}{
		{"a volume that can be used here", podClaims{bound: []boundClaim{bound("data", newVolume("v", "1Gi", "a"))}}, outcome{}},
		{
			"a volume that cannot be used here",
			podClaims{bound: []boundClaim{bound("data", newVolume("v", "1Gi", "b"))}}, outcome{Reasons: []string{reasonNodeAffinity}},
		},
		{"a volume that is gone", podClaims{bound: []boundClaim{bound("data", nil)}}, outcome{Reasons: []string{reasonVolumeMissing}}},
		{
			"the smallest volume that is large enough",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "1Gi"), notMade, large, small)}},
			outcome{Bound: map[string]string{"data": "small"}},
		},
		{
			"each claim has a volume of its own",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("one", "1Gi"), notMade, large, small), waitingFor(newClaim("two", "1Gi"), notMade, large, small)}},
			outcome{Bound: map[string]string{"one": "small", "two": "large"}},
		},
		{
			"no volume is large enough, and nobody makes one",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "9Gi"), notMade, large, small)}},
			outcome{Reasons: []string{reasonNoVolume}},
		},
		{
			"no volume is large enough, and one is made",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "9Gi"), made, large, small)}},
			outcome{Provisioned: []string{"data"}},
		},
		{
			"a volume that is promised to the claim is taken even if a smaller is free",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "1Gi"), made, small, newVolume("promised", "5Gi", "", promisedTo("data")))}},
			outcome{Bound: map[string]string{"data": "promised"}},
		},
		{
			"a volume that is promised to the claim elsewhere leaves no other choice",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "1Gi"), notMade, small, newVolume("promised", "5Gi", "b", promisedTo("data")))}},
			outcome{Reasons: []string{reasonNoVolume}},
		},
		{
			"a volume that is promised to another claim is taken",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "1Gi"), notMade, newVolume("promised", "5Gi", "", promisedTo("other")))}},
			outcome{Reasons: []string{reasonNoVolume}},
		},
		{"a volume is being made for this node", podClaims{provisioning: []waitingClaim{here}}, outcome{Provisioned: []string{"data"}}},
		{"a volume is being made for another node", podClaims{provisioning: []waitingClaim{elsewhere}}, outcome{Reasons: []string{reasonNoVolume}}},
		{
			"the class allows no volume here",
			podClaims{waiting: []waitingClaim{waitingFor(newClaim("data", "1Gi"), onlyB)}}, outcome{Reasons: []string{reasonNoVolume}},
		},
		{
			"there is room in a pool",
			podClaims{waiting: []waitingClaim{withPools(waitingFor(newClaim("data", "2Gi"), made), newPool("a", "2Gi", "a"))}},
			outcome{Provisioned: []string{"data"}},
		},
		{
			"there is room only in a pool elsewhere",
			podClaims{waiting: []waitingClaim{withPools(waitingFor(newClaim("data", "2Gi"), made), newPool("a", "1Gi", "a"), newPool("b", "9Gi", "b"))}},
			outcome{Reasons: []string{reasonNotEnoughSpace}},
		},
		{
			"all that is wrong is said, in order",
			podClaims{
				bound:   []boundClaim{bound("data", newVolume("v", "1Gi", "b"))},
				waiting: []waitingClaim{withPools(waitingFor(newClaim("more", "2Gi"), made))},
			},
			outcome{Reasons: []string{reasonNodeAffinity, reasonNotEnoughSpace}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := decide(&test.claims, nodeIn("a"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, outcomeOf(d)); diff != "" {
				t.Errorf("want (-) and got (+) differ:\n%s", diff)
			}
		})
	}
}

func TestADiskOfTheOldPluginIsWhereItsDriverSays(t *testing.T) {
	inZone := newVolume("disk", "1Gi", "", func(v *corev1.PersistentVolume) {
		v.Labels = map[string]string{corev1.LabelTopologyZone: "b"}
		v.Spec.AWSElasticBlockStore = &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "aws://b/vol-1"}
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"b"}}},
		}}}}
	})
	w := &podClaims{bound: []boundClaim{bound("data", inZone)}}
	if !w.hasMigrated() {
		t.Fatal("the disk is not taken for one that its driver serves")
	}
	byZone := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{corev1.LabelTopologyZone: "b"}}}
	byDriver := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"topology.ebs.csi.aws.com/zone": "b"}}}
	served := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{corev1.MigratedPluginsAnnotationKey: "kubernetes.io/aws-ebs"}}}
	for _, test := range []struct {
		name    string
		node    *corev1.Node
		csiNode *storagev1.CSINode
		fits    bool
	}{
		{"by the node's zone where there is no driver", byZone, nil, true},
		{"not by the driver's label where there is no driver", byDriver, nil, false},
		{"by the driver's label where there is one", byDriver, served, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := decide(w, test.node, test.csiNode)
			if err != nil {
				t.Fatal(err)
			}
			if fits := len(d.refusals) == 0; fits != test.fits {
				t.Errorf("fits: %t, want %t (%v)", fits, test.fits, d.refusals)
			}
		})
	}
}
