package differential

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// secondsSubject is what controllers do when time has passed: pods are available after a second, and a Deployment has a second or two to
// make progress. Each step lasts until all that is over, so there are few.
var secondsSubject = subject{
	name:  "Seconds",
	steps: 4,
	quiet: 2500 * time.Millisecond,
	start: func(s *scenario) {
		n, t := int32(1+s.IntN(3)), template("web", "web:1")
		switch s.IntN(5) {
		case 0:
			s.begin(fmt.Sprintf("a ReplicaSet of %d is created, whose pods are available after a second", n),
				&appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &n, MinReadySeconds: 1, Selector: selects("web"), Template: t}})
		case 1:
			s.begin(fmt.Sprintf("a StatefulSet of %d is created, whose pods are available after a second", n),
				&appsv1.StatefulSet{ObjectMeta: s.meta(name), Spec: appsv1.StatefulSetSpec{Replicas: &n, MinReadySeconds: 1, Selector: selects("web"), Template: t}})
		case 2:
			s.begin(fmt.Sprintf("a ReplicationController of %d is created, whose pods are available after a second", n),
				&corev1.ReplicationController{ObjectMeta: s.meta(name), Spec: corev1.ReplicationControllerSpec{Replicas: &n, MinReadySeconds: 1, Selector: t.Labels, Template: &t}})
		default:
			what, d := s.deployment()
			if s.chance(50) {
				d.Spec.MinReadySeconds = 1
				what += ", whose pods are available after a second"
			} else {
				d.Spec.MinReadySeconds = 0
			}
			d.Spec.ProgressDeadlineSeconds = ptr.To(d.Spec.MinReadySeconds + 1)
			s.quiet = time.Duration(*d.Spec.ProgressDeadlineSeconds)*time.Second + 2500*time.Millisecond // which may be noticed a second later
			s.begin(what+fmt.Sprintf(", with %d s for progress", *d.Spec.ProgressDeadlineSeconds), d)
		}
	},
	moves: []move{
		{4, happensToAll(lives)},
		{4, happens(lives)},
		{2, happens(isUnready)},
		{1, happens(isDeleted)},
		{1, restarts},
		{4, func(s *scenario) bool {
			image := s.image()
			return s.edit("Deployment", "gets the image "+image, func(obj client.Object) { obj.(*appsv1.Deployment).Spec.Template.Spec.Containers[0].Image = image })
		}},
		{2, func(s *scenario) bool {
			image := s.image()
			return s.edit("StatefulSet", "gets the image "+image, func(obj client.Object) { obj.(*appsv1.StatefulSet).Spec.Template.Spec.Containers[0].Image = image })
		}},
		{2, func(s *scenario) bool {
			n := int32(s.IntN(5))
			return s.editNamed(keyOf(s.original), fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { setReplicas(obj, n) })
		}},
		{1, func(s *scenario) bool {
			return s.edit("Deployment", "is paused, or not any more", func(obj client.Object) {
				d := obj.(*appsv1.Deployment)
				d.Spec.Paused = !d.Spec.Paused
			})
		}},
	},
}
