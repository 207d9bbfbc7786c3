package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-helpers/storage/volume"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/scheduler"
)

// These tests have no controller that binds claims and no provisioner, on purpose: they play both, one step at a time,
// so that they see what the scheduler does between the steps.

const provisioner = "driver.example.com"

// withHostname gives a node the label that local volumes go by.
func (p *plane) withHostname(node *ocorev1.Node) *ocorev1.Node {
	p.t.Helper()
	p.change(node, func() { node.Labels = map[string]string{corev1.LabelHostname: node.Name} })
	return node
}

// storageClass creates a StorageClass that waits for the first consumer.
func (p *plane) storageClass(provisioner string) *ostoragev1.StorageClass {
	p.t.Helper()
	class := &ostoragev1.StorageClass{
		ObjectMeta:        metav1.ObjectMeta{Name: p.namespace},
		Provisioner:       provisioner,
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	p.create(class)
	return class
}

// create creates an object that the schedulers watch and that goes away with the test, finalizers or not.
func (p *plane) create(object client.Object) {
	p.t.Helper()
	if err := p.client.Create(p.t.Context(), object); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		released := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		if err := p.client.Patch(context.Background(), object, released); client.IgnoreNotFound(err) != nil {
			p.t.Errorf("releasing %s: %v", object.GetName(), err)
		}
		if err := p.client.Delete(context.Background(), object); client.IgnoreNotFound(err) != nil {
			p.t.Errorf("deleting %s: %v", object.GetName(), err)
		}
	})
	p.eventuallyKnows(object)
}

func (p *plane) claim(name, class string, mode corev1.PersistentVolumeAccessMode) *ocorev1.PersistentVolumeClaim {
	p.t.Helper()
	claim := &ocorev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class,
			AccessModes:      []corev1.PersistentVolumeAccessMode{mode},
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	p.create(claim)
	return claim
}

// localVolume creates a volume on a node that a claim of the class can have.
func (p *plane) localVolume(name string, claim *ocorev1.PersistentVolumeClaim, node string) *ocorev1.PersistentVolume {
	p.t.Helper()
	made := &ocorev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: p.namespace + "-" + name},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:       *claim.Spec.StorageClassName,
			AccessModes:            claim.Spec.AccessModes,
			Capacity:               claim.Spec.Resources.Requests,
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/mnt"}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
				},
			}}}},
		},
	}
	p.create(made)
	made.Status.Phase = corev1.VolumeAvailable
	if err := p.client.Status().Update(p.t.Context(), made); err != nil {
		p.t.Fatal(err)
	}
	p.eventuallyKnows(made)
	return made
}

// bind does what the controller of claims does when a volume names a claim.
func (p *plane) bind(claim *ocorev1.PersistentVolumeClaim, made *ocorev1.PersistentVolume) {
	p.t.Helper()
	p.change(made, func() {
		made.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
	})
	p.change(claim, func() {
		claim.Spec.VolumeName = made.Name
		metav1.SetMetaDataAnnotation(&claim.ObjectMeta, volume.AnnBindCompleted, "yes")
	})
	p.eventuallyKnows(made)
	p.eventuallyKnows(claim)
}

func (p *plane) eventuallySelected(claim *ocorev1.PersistentVolumeClaim, node string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(claim), claim); err != nil {
			return err
		}
		if selected := claim.Annotations[volume.AnnSelectedNode]; selected != node {
			return fmt.Errorf("claim %s is to be provisioned for node %q, want %q", claim.Name, selected, node)
		}
		return nil
	})
}

// eventuallyFails waits until the pod's condition says that scheduling failed, in words that contain the given ones.
func (p *plane) eventuallyFails(pod *ocorev1.Pod, reason, words string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == reason && strings.Contains(condition.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("no condition PodScheduled with reason %s and %q in %v", reason, words, pod.Status.Conditions)
	})
}

func withClaim(claim *ocorev1.PersistentVolumeClaim) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name},
		}})
	}
}

// impatient gives up the binding of volumes after a second.
func impatient(o *scheduler.Options) []scheduler.Option {
	o.Configuration.Profiles[0].PluginConfig = append(o.Configuration.Profiles[0].PluginConfig, configv1.PluginConfig{
		Name: "VolumeBinding",
		Args: runtime.RawExtension{Object: &configv1.VolumeBindingArgs{
			BindTimeoutSeconds: ptr.To[int64](1),
			Shape:              []configv1.UtilizationShapePoint{{Utilization: 0, Score: 10}, {Utilization: 100, Score: 0}},
		}},
	})
	return nil
}

func TestAClaimIsBoundOnTheNodeThatHasAVolume(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		for _, name := range []string{"a", "b", "c"} {
			p.withHostname(p.node(name, "2"))
		}
		class := p.storageClass(volume.NotSupportedProvisioner)
		claim := p.claim("data", class.Name, corev1.ReadWriteOnce)
		pod := p.pod("db", "100m", withClaim(claim))
		p.eventuallyFails(pod, corev1.PodReasonUnschedulable,
			"0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.")

		made := p.localVolume("local", claim, "b")
		p.eventually(func() error {
			if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(made), made); err != nil {
				return err
			}
			if ref := made.Spec.ClaimRef; ref == nil || ref.Name != "data" || ref.Namespace != p.namespace || ref.UID != claim.UID {
				return fmt.Errorf("volume %s is for claim %v, want data", made.Name, ref)
			}
			return nil
		})
		if by := made.Annotations[volume.AnnBoundByController]; by != "yes" {
			t.Errorf("the volume says that it was bound by the controller: %q, want yes", by)
		}
		p.bind(claim, made)
		p.eventuallyBound(pod, "b")
		second := p.pod("reader", "100m", withClaim(claim))
		p.eventuallyBound(second, "b")
	})
}

func TestAVolumeIsProvisionedForTheNodeOfThePod(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.withHostname(p.node("small", "50m"))
		p.withHostname(p.node("large", "2"))
		class := p.storageClass(provisioner)
		claim := p.claim("data", class.Name, corev1.ReadWriteOnce)
		pod := p.pod("db", "1", withClaim(claim))
		p.eventuallySelected(claim, "large")
		p.eventually(func() error { // Others should know where it is going while that takes its time.
			if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
				return err
			}
			if pod.Status.NominatedNodeName != "large" || pod.Spec.NodeName != "" {
				return fmt.Errorf("pod is nominated to %q and on %q, want large and none yet", pod.Status.NominatedNodeName, pod.Spec.NodeName)
			}
			return nil
		})
		p.bind(claim, p.localVolume("made", claim, "large"))
		p.eventuallyBound(pod, "large")
	})
}

func TestAPodWhoseVolumesAreNotBoundInTimeIsTriedAgain(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.withHostname(p.node("only", "2"))
		class := p.storageClass(provisioner)
		claim := p.claim("data", class.Name, corev1.ReadWriteOnce)
		pod := p.pod("db", "1", withClaim(claim))
		p.eventuallyEvent(pod, "FailedScheduling", fmt.Sprintf(`running PreBind plugin "VolumeBinding": binding volumes: `+
			"context deadline exceeded: no volume has been made for claim %s/data (bindTimeoutSeconds is 1)", p.namespace))
		p.eventuallySelected(claim, "only")
		p.bind(claim, p.localVolume("late", claim, "only"))
		p.eventuallyBound(pod, "only")
	}, impatient)
}

func TestVolumesAreNotAwaitedOnANodeThatIsGone(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		gone := p.withHostname(p.node("gone", "2"))
		class := p.storageClass(provisioner)
		claim := p.claim("data", class.Name, corev1.ReadWriteOnce)
		pod := p.pod("db", "1", withClaim(claim))
		p.eventuallySelected(claim, "gone")
		if err := p.client.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		p.eventuallyEvent(pod, "FailedScheduling", `running PreBind plugin "VolumeBinding": binding volumes: node "gone" is gone`)

		p.change(claim, func() { delete(claim.Annotations, volume.AnnSelectedNode) }) // As a provisioner does that gives up.
		p.withHostname(p.node("other", "2"))
		p.eventuallySelected(claim, "other")
		p.bind(claim, p.localVolume("made", claim, "other"))
		p.eventuallyBound(pod, "other")
	})
}

func TestAClaimForOnePodIsUsedByOnePodAtATime(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.withHostname(p.node("only", "2"))
		class := p.storageClass(volume.NotSupportedProvisioner)
		claim := p.claim("data", class.Name, corev1.ReadWriteOncePod)
		p.bind(claim, p.localVolume("local", claim, "only"))
		first := p.pod("first", "100m", withClaim(claim))
		p.eventuallyBound(first, "only")
		second := p.pod("second", "100m", withClaim(claim))
		p.eventuallyFails(second, corev1.PodReasonUnschedulable, "0/1 nodes are available: 1 node(s) unavailable due to "+
			"PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.")
		if err := p.client.Delete(t.Context(), first, client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
		p.eventuallyBound(second, "only")
	})
}

func TestANodeTakesAsManyVolumesAsItsDriverCanAttach(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		node := p.withHostname(p.node("only", "2"))
		csiNode := &ostoragev1.CSINode{ObjectMeta: metav1.ObjectMeta{
			Name: "only", OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "only", UID: node.UID}},
		}}
		csiNode.Spec.Drivers = []storagev1.CSINodeDriver{{
			Name: provisioner, NodeID: "only", Allocatable: &storagev1.VolumeNodeResources{Count: ptr.To[int32](1)},
		}}
		p.create(csiNode)
		class := p.storageClass(provisioner)
		one, two := p.claim("one", class.Name, corev1.ReadWriteOnce), p.claim("two", class.Name, corev1.ReadWriteOnce)
		first := p.pod("first", "100m", withClaim(one))
		p.eventuallySelected(one, "only")
		second := p.pod("second", "100m", withClaim(two))
		p.eventuallyFails(second, corev1.PodReasonUnschedulable, "0/1 nodes are available: 1 node(s) exceed max volume count.")
		if err := p.client.Delete(t.Context(), first, client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
		p.eventuallySelected(two, "only")
	})
}
