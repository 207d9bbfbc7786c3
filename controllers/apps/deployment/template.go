package deployment

import (
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// hashLabel tells the pods of a Deployment's ReplicaSets apart.
const hashLabel = podtemplate.HashLabel

// sameTemplate compares templates but for hashLabel, which only ReplicaSets have.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool { return podtemplate.Same(a, b) }

func withoutHash(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	return podtemplate.WithoutHash(template)
}

// replicaSetName is the Deployment's name and the hash, the former cut where both would be too long.
func replicaSetName(deployment, hash string) string {
	longest := validation.DNS1123SubdomainMaxLength - len("-") - len(hash)
	return deployment[:min(len(deployment), longest)] + "-" + hash
}

// newReplicaSet is the ReplicaSet for d's template, of no pods yet.
func newReplicaSet(d *oappsv1.Deployment) *oappsv1.ReplicaSet {
	hash := podtemplate.Hash(&d.Spec.Template, d.Status.CollisionCount)
	rs := &oappsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:      replicaSetName(d.Name, hash),
			Namespace: d.Namespace,
			Labels:    podtemplate.WithHash(d.Spec.Template.Labels, hash),
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        new(int32),
			MinReadySeconds: d.Spec.MinReadySeconds,
			Selector:        d.Spec.Selector.DeepCopy(),
			Template:        *d.Spec.Template.DeepCopy(),
		},
	}
	rs.Spec.Selector.MatchLabels = podtemplate.WithHash(rs.Spec.Selector.MatchLabels, hash)
	rs.Spec.Template.Labels = podtemplate.WithHash(rs.Spec.Template.Labels, hash)
	return rs
}
