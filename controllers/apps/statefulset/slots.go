package statefulset

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// first is the lowest number of a StatefulSet's pods, and desired how many there shall be.
func first(set *oappsv1.StatefulSet) int {
	if set.Spec.Ordinals == nil {
		return 0
	}
	return int(set.Spec.Ordinals.Start)
}

func desired(set *oappsv1.StatefulSet) int { return max(0, int(ptr.Deref(set.Spec.Replicas, 1))) }

// slots are the pods of a StatefulSet by their numbers.
type slots struct {
	set *oappsv1.StatefulSet
	now time.Time
	w   world

	// current and update are the names of the revision that is being rolled away from and of the newest.
	current, update string

	// replicas are the pods that shall be, from the lowest number up; nil stands for one that is missing.
	replicas []*ocorev1.Pod
	// condemned are the pods beyond, the highest number first.
	condemned []*ocorev1.Pod
}

func newSlots(set *oappsv1.StatefulSet, w world, current, update string, now time.Time) *slots {
	s := &slots{set: set, now: now, w: w, current: current, update: update, replicas: make([]*ocorev1.Pod, desired(set))}
	for _, pod := range w.pods.Held {
		if i := s.ordinal(pod) - first(set); i >= 0 && i < len(s.replicas) {
			s.replicas[i] = pod
		} else {
			s.condemned = append(s.condemned, pod)
		}
	}
	slices.SortFunc(s.condemned, func(a, b *ocorev1.Pod) int { return s.ordinal(b) - s.ordinal(a) })
	return s
}

// ordinal is the number of a pod, all of which have one here.
func (s *slots) ordinal(pod *ocorev1.Pod) int {
	n, _ := podtemplate.Ordinal(s.set.Name, pod.Name)
	return n
}

func (s *slots) ordered() bool {
	return s.set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
}

func (s *slots) partition() int {
	if rolling := s.set.Spec.UpdateStrategy.RollingUpdate; rolling != nil {
		return int(ptr.Deref(rolling.Partition, 0))
	}
	return 0
}

// available reports that a pod is ready, has been for minReadySeconds, and stays.
func (s *slots) available(pod *ocorev1.Pod) bool {
	return pod != nil && pod.DeletionTimestamp == nil && replicas.Available(pod, s.set.Spec.MinReadySeconds, s.now)
}

// outdated reports that a pod is of another revision than the newest.
func (s *slots) outdated(pod *ocorev1.Pod) bool { return revisionOf(pod) != s.update }

func revisionOf(pod *ocorev1.Pod) string { return pod.Labels[appsv1.StatefulSetRevisionLabel] }

// missing is the pod of a slot that is empty, of the revision that it shall have.
func (s *slots) missing(slot int) *ocorev1.Pod {
	template, revision := &s.set.Spec.Template, s.update
	if s.keepsCurrent(slot) && s.w.current != nil {
		template, revision = s.w.current, s.current
	}
	ordinal := first(s.set) + slot
	pod := podtemplate.Pod(s.set, template)
	pod.Name = podtemplate.OrdinalName(s.set.Name, ordinal)
	s.identify(pod, ordinal)
	pod.Labels[appsv1.StatefulSetRevisionLabel] = revision
	pod.Spec.Hostname, pod.Spec.Subdomain = pod.Name, s.set.Spec.ServiceName
	mount(s.set, pod, ordinal)
	return pod
}

// keepsCurrent reports that a slot is made anew of the revision that is being rolled away from: it is below the partition; or, where
// the strategy does not say, among as many as there are of it.
func (s *slots) keepsCurrent(slot int) bool {
	if s.set.Spec.UpdateStrategy.RollingUpdate == nil {
		return s.set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && slot < int(s.set.Status.CurrentReplicas)
	}
	return slot < s.partition()
}

// identify labels a pod with its name and number.
func (s *slots) identify(pod *ocorev1.Pod, ordinal int) {
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	pod.Labels[appsv1.StatefulSetPodNameLabel] = pod.Name
	pod.Labels[appsv1.PodIndexLabel] = strconv.Itoa(ordinal)
}

// mount gives a pod the claims of its number as volumes, in the place of volumes of the same names.
func mount(set *oappsv1.StatefulSet, pod *ocorev1.Pod, ordinal int) {
	var volumes []corev1.Volume
	for i := range set.Spec.VolumeClaimTemplates {
		template := &set.Spec.VolumeClaimTemplates[i]
		volumes = append(volumes, corev1.Volume{Name: template.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: volumeName(set, template, ordinal)},
		}})
	}
	for _, volume := range pod.Spec.Volumes {
		if !slices.ContainsFunc(volumes, func(v corev1.Volume) bool { return v.Name == volume.Name }) {
			volumes = append(volumes, volume)
		}
	}
	pod.Spec.Volumes = volumes
}

// volumeName is the name of the claim of a template for the pod with a number.
func volumeName(set *oappsv1.StatefulSet, template *corev1.PersistentVolumeClaim, ordinal int) string {
	return fmt.Sprintf("%s-%s-%d", template.Name, set.Name, ordinal)
}
