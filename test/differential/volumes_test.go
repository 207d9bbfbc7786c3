package differential

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scenarioLabel names the scenario of an object that is in no namespace.
const scenarioLabel = "scenario"

// volumesSubject is how claims find volumes, are provisioned by somebody else, and let them go.
var volumesSubject = subject{
	name: "Volumes",
	start: func(s *scenario) {
		s.do("the scenario has classes", creates(
			func() client.Object {
				return s.class("static", "kubernetes.io/no-provisioner", storagev1.VolumeBindingImmediate)
			},
			func() client.Object {
				return s.class("waits", "kubernetes.io/no-provisioner", storagev1.VolumeBindingWaitForFirstConsumer)
			},
			func() client.Object { return s.class("made", driver, storagev1.VolumeBindingImmediate) },
			func() client.Object {
				return s.class("made-waits", driver, storagev1.VolumeBindingWaitForFirstConsumer)
			},
		))
		for range 1 + s.IntN(3) {
			s.addVolume()
		}
		for range 1 + s.IntN(2) {
			s.addClaim()
		}
	},
	moves: []move{
		{4, (*scenario).addVolume},
		{4, (*scenario).addClaim},
		{3, deletesSome("PersistentVolumeClaim")},
		{2, deletesSome("PersistentVolume")},
		{4, provisions},
		{2, changesVolume("names no claim any more", func(pv *corev1.PersistentVolume) { pv.Spec.ClaimRef = nil })},
		{1, changesVolume("is to be kept", func(pv *corev1.PersistentVolume) {
			pv.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
		})},
		{1, changesVolume("is to be deleted", func(pv *corev1.PersistentVolume) {
			pv.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimDelete
		})},
		{3, consumes},
		{3, happens(lives)},
		{2, happens(succeeds)},
		{2, happens(isDeleted)},
		{2, happens(goes)},
		{2, func(s *scenario) bool {
			key := s.some(s.keys("PersistentVolumeClaim", func(obj client.Object) bool { return obj.(*corev1.PersistentVolumeClaim).Spec.VolumeName == "" }))
			return key != "" && s.editNamed(key, "gets a node from the scheduler", func(obj client.Object) {
				metav1.SetMetaDataAnnotation(&obj.(*corev1.PersistentVolumeClaim).ObjectMeta, "volume.kubernetes.io/selected-node", node)
			})
		}},
		{1, restarts},
	},
	finish: func(s *scenario) {
		s.addVolume()
		s.addClaim()
	},
}

// driver makes volumes, and is nobody here: the scenario does what it would do.
const driver = "csi.example.org"

func (s *scenario) className(class string) string { return s.namespace + "-" + class }

func (s *scenario) class(class, provisioner string, mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: s.className(class)}, Provisioner: provisioner, VolumeBindingMode: &mode}
}

// free is a name of a few that no object of a kind has; empty if each has one.
func (s *scenario) free(kind, prefix string) string {
	for i := range 6 {
		if name := fmt.Sprintf("%s%d", prefix, i); s.now == nil || s.now.objects[kind+"/"+name] == nil {
			return name
		}
	}
	return ""
}

func (s *scenario) addVolume() bool {
	name := s.free("PersistentVolume", s.namespace+"-volume")
	if name == "" {
		return false
	}
	pv := volume(name, s.namespace, fmt.Sprintf("%dGi", []int{1, 2, 3, 5}[s.IntN(4)]))
	what := fmt.Sprintf("PersistentVolume/%s of %s is created", name, pv.Spec.Capacity.Storage())
	class := []string{"static", "static", "waits", "unknown"}[s.IntN(4)]
	pv.Spec.StorageClassName = s.className(class)
	what += ", " + class
	if s.chance(30) {
		pv.Spec.AccessModes = append(pv.Spec.AccessModes, corev1.ReadOnlyMany)
		what += ", also to be read by many"
	}
	if s.chance(20) {
		block := corev1.PersistentVolumeBlock
		pv.Spec.VolumeMode = &block
		what += ", a block device"
	}
	if s.chance(30) {
		pv.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimDelete
		what += ", to be deleted"
	}
	if s.chance(25) {
		claim := fmt.Sprintf("claim%d", s.IntN(3))
		pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: s.namespace, Name: claim}
		what += ", for " + claim
	}
	s.do(what, creates(func() client.Object { return pv.DeepCopy() }))
	return true
}

// volume is one of the driver's.
func volume(name, scenario, size string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{scenarioLabel: scenario}}, Spec: corev1.PersistentVolumeSpec{
		Capacity: amounts("storage=" + size), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: name}},
	}}
}

func (s *scenario) addClaim() bool {
	name := s.free("PersistentVolumeClaim", "claim")
	if name == "" {
		return false
	}
	size := []string{"1Gi", "1536Mi", "3Gi", "6Gi"}[s.IntN(4)]
	class := []string{"static", "static", "static", "waits", "made", "made-waits", "unknown"}[s.IntN(7)]
	full := s.className(class)
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.namespace}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: &full, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
	}}
	what := fmt.Sprintf("%s of %s is created, %s", name, size, class)
	if s.chance(15) {
		pvc.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}
		what += ", to be read by many"
	}
	if s.chance(15) {
		block := corev1.PersistentVolumeBlock
		pvc.Spec.VolumeMode = &block
		what += ", a block device"
	}
	if s.chance(25) {
		pvc.Spec.VolumeName = fmt.Sprintf("%s-volume%d", s.namespace, s.IntN(3))
		what += ", for " + pvc.Spec.VolumeName
	}
	if s.chance(15) {
		pvc.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}
		what += ", of gold"
	}
	s.do(what, creates(func() client.Object { return pvc.DeepCopy() }))
	return true
}

func deletesSome(kind string) func(*scenario) bool {
	return func(s *scenario) bool {
		key := s.some(s.keys(kind, nil))
		if key == "" {
			return false
		}
		s.do(key+" is deleted", deletes(key, metav1.DeletePropagationBackground))
		return true
	}
}

func changesVolume(what string, change func(*corev1.PersistentVolume)) func(*scenario) bool {
	return func(s *scenario) bool {
		key := s.some(s.keys("PersistentVolume", nil))
		return key != "" && s.editNamed(key, what, func(obj client.Object) { change(obj.(*corev1.PersistentVolume)) })
	}
}

// provisions makes the volume that a claim waits for, as its provisioner does.
func provisions(s *scenario) bool {
	key := s.some(s.keys("PersistentVolumeClaim", func(obj client.Object) bool {
		pvc := obj.(*corev1.PersistentVolumeClaim)
		return pvc.Spec.VolumeName == "" && pvc.Annotations["volume.kubernetes.io/storage-provisioner"] == driver
	}))
	name := s.free("PersistentVolume", s.namespace+"-pvc")
	if key == "" || name == "" {
		return false
	}
	s.do(key+" is provisioned with "+name, func(ctx context.Context, c client.Client, st *state) error {
		pvc := st.objects[key].(*corev1.PersistentVolumeClaim)
		pv := volume(name, s.namespace, pvc.Spec.Resources.Requests.Storage().String())
		pv.Annotations = map[string]string{"pv.kubernetes.io/provisioned-by": driver}
		pv.Spec.PersistentVolumeReclaimPolicy, pv.Spec.StorageClassName = corev1.PersistentVolumeReclaimDelete, *pvc.Spec.StorageClassName
		pv.Spec.VolumeMode, pv.Spec.AccessModes = pvc.Spec.VolumeMode, pvc.Spec.AccessModes
		pv.Spec.ClaimRef = &corev1.ObjectReference{
			Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: pvc.Namespace, Name: pvc.Name, UID: pvc.UID, ResourceVersion: pvc.ResourceVersion,
		}
		return c.Create(ctx, pv)
	})
	return true
}

// consumes creates a pod that uses a claim.
func consumes(s *scenario) bool {
	key := s.some(s.keys("PersistentVolumeClaim", nil))
	if key == "" || len(s.keys("Pod", nil)) > 4 {
		return false
	}
	_, claim, _ := strings.Cut(key, "/")
	s.do("a pod that uses "+claim+" is created", creates(func() client.Object {
		pod := s.pod("uses")
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
		return pod
	}))
	return true
}
