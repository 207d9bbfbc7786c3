package plugins_test

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/volume"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"
)

const (
	csiDriver = "csi.example.com"
	ebsDriver = "ebs.csi.aws.com"
	ebsPlugin = "kubernetes.io/aws-ebs"
)

// storage is what a cluster has of claims, volumes and all that they come from.
type storage struct {
	*cluster
	claims  []*corev1.PersistentVolumeClaim
	volumes []*corev1.PersistentVolume
	// room is the same in all pools of a class, because kube-scheduler takes any that will do.
	room map[string]string
}

var classNames = []string{"csi", "csi-zoned", "local", "ebs", "now", "odd"}

// dressVolumes gives the cluster storage, and its pods volumes.
func dressVolumes(w *cluster) {
	s := &storage{cluster: w, room: map[string]string{"csi": pick(w, "20Mi", "40Mi", "1Gi"), "csi-zoned": pick(w, "20Mi", "40Mi", "1Gi")}}
	for _, node := range w.nodes {
		s.dressNode(node)
	}
	s.addClasses()
	for i := range w.IntN(11) {
		s.volumes = append(s.volumes, s.volume(i))
	}
	for i := range w.IntN(6) {
		s.claims = append(s.claims, s.claim(fmt.Sprintf("claim-%d", i)))
	}
	for _, pod := range append([]*corev1.Pod{w.pod}, w.running...) {
		s.dressPod(pod)
	}
	s.marry()
	for _, volume := range s.volumes {
		w.objects = append(w.objects, volume)
	}
	for _, claim := range s.claims {
		w.objects = append(w.objects, claim)
	}
	s.addAttachments()
}

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, UID: types.UID(name), ResourceVersion: "1"}
}

func (s *storage) dressNode(node *corev1.Node) {
	for _, key := range []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion} {
		if s.chance(40) {
			node.Labels[key] = pick(s.cluster, "a", "b")
		}
	}
	if s.chance(15) {
		return // No driver has registered there.
	}
	csiNode := &storagev1.CSINode{ObjectMeta: named(node.Name)}
	if s.chance(60) {
		csiNode.Annotations = map[string]string{corev1.MigratedPluginsAnnotationKey: pick(s.cluster, ebsPlugin, "kubernetes.io/gce-pd,"+ebsPlugin, "kubernetes.io/gce-pd")}
	}
	for _, name := range []string{csiDriver, ebsDriver} {
		if s.chance(25) {
			continue
		}
		driver := storagev1.CSINodeDriver{Name: name, NodeID: node.Name}
		if s.chance(70) {
			driver.Allocatable = &storagev1.VolumeNodeResources{}
			if s.chance(90) {
				driver.Allocatable.Count = ptr.To(s.Int32N(4))
			}
		}
		csiNode.Spec.Drivers = append(csiNode.Spec.Drivers, driver)
	}
	s.objects = append(s.objects, csiNode)
}

func (s *storage) addClasses() {
	provisioners := map[string]string{"local": volume.NotSupportedProvisioner, "ebs": ebsPlugin}
	for _, name := range classNames {
		if s.chance(5) {
			continue
		}
		class := &storagev1.StorageClass{ObjectMeta: named(name), Provisioner: csiDriver}
		if provisioner, other := provisioners[name]; other {
			class.Provisioner = provisioner
		}
		switch name {
		case "now":
			class.VolumeBindingMode = ptr.To(storagev1.VolumeBindingImmediate)
		case "odd":
		default:
			class.VolumeBindingMode = ptr.To(storagev1.VolumeBindingWaitForFirstConsumer)
		}
		if name == "csi-zoned" {
			class.AllowedTopologies = some(s.cluster, 2, s.topologyTerm)
		}
		s.objects = append(s.objects, class)
	}
	if s.chance(70) {
		s.objects = append(s.objects, &storagev1.CSIDriver{ObjectMeta: named(csiDriver), Spec: storagev1.CSIDriverSpec{
			StorageCapacity:               pick(s.cluster, nil, ptr.To(false), ptr.To(true), ptr.To(true)),
			PreventPodSchedulingIfMissing: pick(s.cluster, nil, ptr.To(false), ptr.To(true)),
		}})
	}
	for i := range s.IntN(6) {
		s.objects = append(s.objects, s.capacity(i))
	}
}

func (s *storage) topologyTerm() corev1.TopologySelectorTerm {
	return corev1.TopologySelectorTerm{MatchLabelExpressions: some(s.cluster, 2, func() corev1.TopologySelectorLabelRequirement {
		return corev1.TopologySelectorLabelRequirement{Key: pick(s.cluster, "disk", "zone"), Values: some(s.cluster, 3, s.value)}
	})}
}

func (s *storage) capacity(i int) *storagev1.CSIStorageCapacity {
	capacity := &storagev1.CSIStorageCapacity{ObjectMeta: named(fmt.Sprintf("capacity-%d", i)), StorageClassName: pick(s.cluster, "csi", "csi", "csi-zoned")}
	capacity.Namespace = "default"
	if s.chance(90) {
		capacity.Capacity = ptr.To(resource.MustParse(s.room[capacity.StorageClassName]))
	}
	if capacity.Capacity != nil && s.chance(50) {
		capacity.MaximumVolumeSize = ptr.To(resource.MustParse(pick(s.cluster, "10Mi", "25Mi", "1Gi")))
	}
	if s.chance(90) {
		capacity.NodeTopology = s.selector()
	}
	return capacity
}

func (s *storage) selector() *metav1.LabelSelector {
	selector := &metav1.LabelSelector{}
	for _, key := range []string{"disk", "zone"} {
		if s.chance(40) {
			selector.MatchLabels = map[string]string{key: s.value()}
		}
	}
	if s.chance(20) {
		selector.MatchExpressions = []metav1.LabelSelectorRequirement{
			{Key: "size", Operator: pick(s.cluster, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpIn), Values: []string{s.value(), s.value()}},
		}
	}
	if s.chance(3) {
		selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "size", Operator: "Resembles", Values: []string{"5"}}}
	}
	return selector
}

// volume i has a size of its own: which of equals is chosen is up to chance.
func (s *storage) volume(i int) *corev1.PersistentVolume {
	name := fmt.Sprintf("volume-%d", i)
	v := &corev1.PersistentVolume{ObjectMeta: named(name)}
	v.Labels = s.labels()
	for _, key := range []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion} {
		if s.chance(20) {
			v.Labels[key] = pick(s.cluster, "a", "b", "a__b", "a__ b ", "a__")
		}
	}
	v.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(fmt.Sprintf("%dMi", 11*s.IntN(6)+i))}
	v.Spec.AccessModes = s.accessModes()
	v.Spec.StorageClassName = pick(s.cluster, "local", "local", "csi", "csi-zoned", "ebs", "now", "")
	if s.chance(10) {
		v.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: v.Spec.StorageClassName}
	}
	if s.chance(10) {
		v.Spec.VolumeMode = ptr.To(pick(s.cluster, corev1.PersistentVolumeBlock, corev1.PersistentVolumeFilesystem))
	}
	if s.chance(10) {
		v.Spec.VolumeAttributesClassName = ptr.To("gold")
	}
	if s.chance(40) {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
			{MatchExpressions: some(s.cluster, 2, s.requirement)}, {MatchExpressions: some(s.cluster, 2, s.requirement)},
		}[:1+s.IntN(2)]}}
	}
	v.Status.Phase = pick(s.cluster, corev1.VolumeAvailable, corev1.VolumeAvailable, corev1.VolumeAvailable, corev1.VolumePending, corev1.VolumeReleased)
	if s.chance(5) {
		v.DeletionTimestamp = &metav1.Time{}
	}
	v.Spec.PersistentVolumeSource = s.source(name)
	return v
}

func (s *storage) source(name string) corev1.PersistentVolumeSource {
	return pick(s.cluster,
		corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: csiDriver, VolumeHandle: name}},
		corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: csiDriver, VolumeHandle: name}},
		corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: ebsDriver, VolumeHandle: "vol-1"}},
		corev1.PersistentVolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: pick(s.cluster, "vol-1", "aws://a/vol-2")}},
		corev1.PersistentVolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: name}},
		corev1.PersistentVolumeSource{AzureFile: &corev1.AzureFilePersistentVolumeSource{ShareName: name, SecretName: "s"}},
		corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/" + name}},
	)
}

func (s *storage) accessModes() []corev1.PersistentVolumeAccessMode {
	if s.chance(70) {
		return []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteOncePod}
	}
	return []corev1.PersistentVolumeAccessMode{pick(s.cluster, corev1.ReadWriteOnce, corev1.ReadWriteMany)}
}

func (s *storage) claim(name string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: named(name)}
	c.Namespace = "default"
	c.Annotations = map[string]string{}
	c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{pick(s.cluster, corev1.ReadWriteOnce, corev1.ReadWriteOnce, corev1.ReadWriteOncePod)}
	c.Spec.Resources.Requests = corev1.ResourceList{}
	if s.chance(90) {
		c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse(pick(s.cluster, "1Mi", "10Mi", "20Mi", "30Mi"))
	}
	if s.chance(97) {
		c.Spec.StorageClassName = ptr.To(pick(s.cluster, "local", "local", "csi", "csi", "csi-zoned", "ebs"))
		if s.chance(8) {
			c.Spec.StorageClassName = ptr.To(pick(s.cluster, "now", "odd", "absent", ""))
		}
		if s.chance(10) {
			c.Annotations[corev1.BetaStorageClassAnnotation] = *c.Spec.StorageClassName
		}
	}
	if s.chance(10) {
		c.Spec.Selector = s.selector()
	}
	if s.chance(5) {
		c.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
	}
	if s.chance(5) {
		c.Spec.VolumeAttributesClassName = ptr.To(pick(s.cluster, "gold", ""))
	}
	if s.chance(15) {
		c.Annotations[volume.AnnSelectedNode] = pick(s.cluster, "node-0", "node-1", "node-9")
	}
	if s.chance(2) {
		c.DeletionTimestamp = &metav1.Time{}
	}
	if s.chance(2) {
		c.Status.Phase = corev1.ClaimLost
	}
	return c
}

// marry binds some claims and volumes to each other, wholly or by one side only.
func (s *storage) marry() {
	free := s.volumes
	for _, claim := range s.claims {
		if s.chance(3) {
			claim.Spec.VolumeName = "volume-gone"
			claim.Annotations[volume.AnnBindCompleted] = "yes"
			continue
		}
		if len(free) == 0 || s.chance(60) {
			continue
		}
		v := free[0]
		free = free[1:]
		fromVolume, fromClaim := s.chance(90), s.chance(80)
		if fromVolume {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: claim.Namespace, Name: claim.Name, UID: pick(s.cluster, claim.UID, claim.UID, "", "another")}
		}
		if fromClaim {
			claim.Spec.VolumeName = v.Name
			if s.chance(90) {
				claim.Annotations[volume.AnnBindCompleted] = "yes"
			}
		}
	}
}

func (s *storage) dressPod(pod *corev1.Pod) {
	if s.chance(5) {
		pod.Namespace = "other"
	}
	for i := range s.IntN(4) {
		v := corev1.Volume{Name: fmt.Sprintf("data-%d", i)}
		switch s.IntN(10) {
		case 0:
			v.Ephemeral = &corev1.EphemeralVolumeSource{}
			s.addEphemeral(pod, pod.Name+"-"+v.Name)
		case 1, 2:
			v.VolumeSource = s.disk()
		case 3:
			v.ConfigMap = &corev1.ConfigMapVolumeSource{}
		case 4:
			v.CSI = &corev1.CSIVolumeSource{Driver: csiDriver}
		default:
			name := "claim-gone"
			if len(s.claims) > 0 && s.chance(97) {
				name = s.claims[s.IntN(len(s.claims))].Name
			} else if s.chance(95) {
				continue
			}
			v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}
		}
		pod.Spec.Volumes = append(pod.Spec.Volumes, v)
	}
}

func (s *storage) addEphemeral(pod *corev1.Pod, name string) {
	if s.chance(10) {
		return // It is still to be made.
	}
	claim := s.claim(name)
	claim.Namespace = pod.Namespace
	if s.chance(95) {
		claim.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true)}}
	}
	s.claims = append(s.claims, claim)
}

func (s *storage) disk() corev1.VolumeSource {
	readOnly := s.chance(50)
	monitors := some(s.cluster, 2, func() string { return pick(s.cluster, "m1", "m2") })
	return pick(s.cluster,
		corev1.VolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: pick(s.cluster, "d1", "d2"), ReadOnly: readOnly}},
		corev1.VolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: pick(s.cluster, "vol-1", "aws://a/vol-2", "aws://nonsense"), ReadOnly: readOnly}},
		corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{IQN: pick(s.cluster, "iqn.1", "iqn.2"), ReadOnly: readOnly}},
		corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{CephMonitors: monitors, RBDPool: "p", RBDImage: pick(s.cluster, "i", "j"), ReadOnly: readOnly}},
		corev1.VolumeSource{AzureFile: &corev1.AzureFileVolumeSource{ShareName: "s", SecretName: "t"}},
	)
}

func (s *storage) addAttachments() {
	for i := range s.IntN(4) {
		attachment := &storagev1.VolumeAttachment{ObjectMeta: named(fmt.Sprintf("attachment-%d", i))}
		attachment.Spec.NodeName = s.nodes[s.IntN(len(s.nodes))].Name
		attachment.Spec.Attacher = pick(s.cluster, csiDriver, csiDriver, ebsDriver, "")
		if s.chance(90) {
			attachment.Spec.Source.PersistentVolumeName = ptr.To(fmt.Sprintf("volume-%d", s.IntN(7)))
		}
		s.objects = append(s.objects, attachment)
	}
}

// objectChanges are the events that can befall objects of a kind, among those of an action that plugins ask for.
func (w *cluster) objectChanges(event fwk.ClusterEvent) []change {
	_, kind, grouped := strings.Cut(string(event.Resource), "/")
	if !grouped {
		kind = string(event.Resource)
	}
	var objects []runtime.Object
	for _, object := range w.objects {
		if strings.HasSuffix(fmt.Sprintf("%T", object), "."+kind) {
			objects = append(objects, object)
		}
	}
	var changes []change
	for i, object := range objects {
		if event.ActionType&fwk.Add != 0 {
			changes = append(changes, change{nil, object})
		}
		if event.ActionType&fwk.Update != 0 {
			changes = append(changes, change{renamed(objects[(i+1)%len(objects)], object), object})
		}
		if event.ActionType&fwk.Delete != 0 {
			changes = append(changes, change{object, nil})
		}
	}
	return changes
}

// renamed is another object as what the object may have been before.
func renamed(other, object runtime.Object) runtime.Object {
	before := other.DeepCopyObject()
	before.(metav1.Object).SetName(object.(metav1.Object).GetName())
	return before
}
