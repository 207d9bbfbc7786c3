package rights_test

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }

// templateOf are pods with the label app of a name.
func templateOf(name string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name}}, Spec: pod("", "").Spec}
}

func selecting(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
}

// sets makes workloads of every kind that keeps pods, gives them a new version and takes it back, and fewer pods.
func (s *session) sets(t *testing.T) {
	none := new(int32(0))
	stateful := &appsv1.StatefulSet{ObjectMeta: named("db"), Spec: appsv1.StatefulSetSpec{
		Replicas: new(int32(2)), Selector: selecting("db"), Template: templateOf("db"), RevisionHistoryLimit: none,
	}}
	storing := &appsv1.StatefulSet{ObjectMeta: named("files"), Spec: appsv1.StatefulSetSpec{
		Selector: selecting("files"), Template: templateOf("files"), VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
			ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: claim("").Spec,
		}},
	}}
	daemon := &appsv1.DaemonSet{ObjectMeta: named("each"), Spec: appsv1.DaemonSetSpec{Selector: selecting("each"), Template: templateOf("each"), RevisionHistoryLimit: none}}
	template := templateOf("old")
	old := &corev1.ReplicationController{ObjectMeta: named("old"), Spec: corev1.ReplicationControllerSpec{
		Replicas: new(int32(2)), Selector: map[string]string{"app": "old"}, Template: &template,
	}}
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: named("db"), Spec: policyv1.PodDisruptionBudgetSpec{Selector: selecting("db"), MaxUnavailable: &one}}
	s.create(t, budget, stateful, storing, daemon, old)
	for _, image := range []string{"web:1", "web:2", "web:1"} {
		s.change(t, stateful, func() { stateful.Spec.Template.Spec.Containers[0].Image = image })
		s.change(t, daemon, func() { daemon.Spec.Template.Spec.Containers[0].Image = image })
		s.settled(t, stateful, daemon)
	}
	s.change(t, stateful, func() { stateful.Spec.Replicas = new(int32(1)) })
	s.change(t, old, func() { old.Spec.Replicas = new(int32(1)) })
	s.change(t, storing, func() {
		storing.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
			WhenDeleted: appsv1.DeletePersistentVolumeClaimRetentionPolicyType, WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
		}
	})
	await.Until(t, "the claim to belong to its StatefulSet, and the old pod to go", func() (string, bool) {
		kept := claim("data-files-0")
		err := s.Get(t.Context(), client.ObjectKeyFromObject(kept), kept)
		if err == nil {
			err = s.Get(t.Context(), client.ObjectKeyFromObject(old), old)
		}
		return fmt.Sprint(kept.OwnerReferences, old.Status, err), err == nil && metav1.IsControlledBy(kept, storing) && old.Status.Replicas == 1
	})
}

// settled waits until a StatefulSet and a DaemonSet have rolled out.
func (s *session) settled(t *testing.T, stateful *appsv1.StatefulSet, daemon *appsv1.DaemonSet) {
	t.Helper()
	await.Until(t, "the sets to have rolled out", func() (string, bool) {
		db, each := &appsv1.StatefulSet{}, &appsv1.DaemonSet{}
		err := s.Get(t.Context(), client.ObjectKeyFromObject(stateful), db)
		if err == nil {
			err = s.Get(t.Context(), client.ObjectKeyFromObject(daemon), each)
		}
		return fmt.Sprintf("%+v %+v %v", db.Status, each.Status, err), err == nil &&
			db.Status.ObservedGeneration >= stateful.Generation && db.Status.CurrentRevision == db.Status.UpdateRevision && db.Status.ReadyReplicas == *db.Spec.Replicas &&
			each.Status.ObservedGeneration >= daemon.Generation && each.Status.DesiredNumberScheduled > 0 &&
			each.Status.UpdatedNumberScheduled == each.Status.DesiredNumberScheduled && each.Status.NumberUnavailable == 0
	})
}

// jobs has a Job succeed and be cleared away, another lose a pod, and be deleted while a pod runs.
func (s *session) jobs(t *testing.T) {
	job := func(name string, parallelism int32) *batchv1.Job {
		template := templateOf(name)
		template.Spec.RestartPolicy = corev1.RestartPolicyNever
		return &batchv1.Job{ObjectMeta: named(name), Spec: batchv1.JobSpec{
			Parallelism: &parallelism, Completions: &parallelism, TTLSecondsAfterFinished: new(int32(0)), Template: template,
		}}
	}
	sums, lost := job("sums", 1), job("lost-sums", 2)
	s.create(t, sums, lost)
	s.runs(t, "lost-sums", 2)
	s.change(t, lost, func() { lost.Spec.Parallelism = new(int32(1)) })
	s.runs(t, "lost-sums", 1)
	s.remove(t, lost, client.PropagationPolicy(metav1.DeletePropagationBackground))
	s.gone(t, lost)
	for _, pod := range s.runs(t, "sums", 1) {
		base := pod.DeepCopy()
		pod.Status.Phase = corev1.PodSucceeded
		if err := s.Status().Patch(t.Context(), &pod, client.MergeFrom(base)); err != nil {
			t.Fatal(err)
		}
	}
	s.gone(t, sums)
	s.runs(t, "lost-sums", 0)
}

// runs waits until as many pods with the label app of a name run as there shall be, and no other is left.
func (s *session) runs(t *testing.T, name string, want int) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	await.Until(t, fmt.Sprintf("%d pods of %s to run", want, name), func() (string, bool) {
		err := s.List(t.Context(), &pods, client.InNamespace("default"), client.MatchingLabels{"app": name})
		running := 0
		for i := range pods.Items {
			if pods.Items[i].Status.Phase == corev1.PodRunning {
				running++
			}
		}
		return fmt.Sprintf("%d of %d (%v)", running, len(pods.Items), err), err == nil && running == want && len(pods.Items) == want
	})
	return pods.Items
}

// quota limits how many Secrets there may be, which are counted.
func (s *session) quota(t *testing.T) {
	quota := &corev1.ResourceQuota{ObjectMeta: named("few"), Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/secrets": resource.MustParse("100")},
	}}
	s.create(t, quota)
	await.Until(t, "Secrets to be counted", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(quota), quota)
		used := quota.Status.Used["count/secrets"]
		return fmt.Sprint(quota.Status, err), err == nil && used.Value() > 0
	})
	s.remove(t, quota)
}

// protected deletes what has a protection that nobody needs.
func (s *session) protected(t *testing.T) {
	free := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk"}, Spec: corev1.PersistentVolumeSpec{
		Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		StorageClassName:       "free", // or else a claim gets it
		PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/disk"}},
	}}
	class := &storagev1.VolumeAttributesClass{ObjectMeta: metav1.ObjectMeta{Name: "gold"}, DriverName: "example.org", Parameters: map[string]string{"iops": "9"}}
	unused := claim("unused")
	for _, obj := range []client.Object{free, class, unused} {
		s.create(t, obj)
		s.remove(t, obj)
		s.gone(t, obj)
	}
}

// stored binds a volume to a claim, which no other claim would get, and has it recycled when the claim is gone.
func (s *session) stored(t *testing.T) {
	disk := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "stored"}, Spec: corev1.PersistentVolumeSpec{
		Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		StorageClassName: "slow", PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRecycle,
		PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/disk"}},
	}}
	data := claim("stored")
	data.Spec.StorageClassName = &disk.Spec.StorageClassName
	s.create(t, data, disk)
	await.Until(t, "the claim to be bound", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(data), data)
		return fmt.Sprint(data.Status, err), err == nil && data.Status.Phase == corev1.ClaimBound && len(data.Status.Conditions) > 0
	})
	s.remove(t, data)
	scrubs := pod("default", "recycler-for-stored")
	await.Until(t, "the volume to be recycled", func() (string, bool) {
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(scrubs), scrubs); err == nil && scrubs.Status.Phase == corev1.PodRunning {
			base := scrubs.DeepCopy()
			scrubs.Status.Phase = corev1.PodSucceeded
			if err := s.Status().Patch(t.Context(), scrubs, client.MergeFrom(base)); client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
		}
		err := s.Get(t.Context(), client.ObjectKeyFromObject(disk), disk)
		return fmt.Sprint(disk.Status, err), err == nil && disk.Status.Phase == corev1.VolumeAvailable && disk.Spec.ClaimRef == nil
	})
	s.remove(t, disk)
	s.gone(t, disk)
}

func claim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: named(name), Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
	}}
}
