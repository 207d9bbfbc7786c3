package deployment

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/dump"
)

// hashLabel tells the pods of a Deployment's ReplicaSets apart.
const hashLabel = appsv1.DefaultDeploymentUniqueLabelKey

// templateHash is the value of hashLabel: FNV-1a of the template as k8s.io/utils/dump prints it, followed by the
// collision count where there is one, in letters that spell no words. Kubernetes computes the same, so that a
// Deployment keeps its ReplicaSets when it comes from there or goes there.
func templateHash(template *corev1.PodTemplateSpec, collisions *int32) string {
	hash := fnv.New32a()
	_, _ = fmt.Fprintf(hash, "%v", dump.ForHash(*template)) // a hash takes every write
	if collisions != nil {
		var count [8]byte
		binary.LittleEndian.PutUint32(count[:], uint32(*collisions))
		_, _ = hash.Write(count[:])
	}
	return rand.SafeEncodeString(fmt.Sprint(hash.Sum32()))
}

// sameTemplate compares templates but for hashLabel, which only ReplicaSets have.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(withoutHash(a), withoutHash(b))
}

func withoutHash(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	t := template.DeepCopy()
	delete(t.Labels, hashLabel)
	return t
}

// replicaSetName is the Deployment's name and the hash, the former cut where both would be too long.
func replicaSetName(deployment, hash string) string {
	longest := validation.DNS1123SubdomainMaxLength - len("-") - len(hash)
	return deployment[:min(len(deployment), longest)] + "-" + hash
}

// newReplicaSet is the ReplicaSet for d's template, of no pods yet.
func newReplicaSet(d *oappsv1.Deployment) *oappsv1.ReplicaSet {
	hash := templateHash(&d.Spec.Template, d.Status.CollisionCount)
	rs := &oappsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:      replicaSetName(d.Name, hash),
			Namespace: d.Namespace,
			Labels:    withLabel(d.Spec.Template.Labels, hash),
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        new(int32),
			MinReadySeconds: d.Spec.MinReadySeconds,
			Selector:        d.Spec.Selector.DeepCopy(),
			Template:        *d.Spec.Template.DeepCopy(),
		},
	}
	rs.Spec.Selector.MatchLabels = withLabel(rs.Spec.Selector.MatchLabels, hash)
	rs.Spec.Template.Labels = withLabel(rs.Spec.Template.Labels, hash)
	return rs
}

func withLabel(labels map[string]string, hash string) map[string]string {
	labelled := maps.Clone(labels)
	if labelled == nil {
		labelled = map[string]string{}
	}
	labelled[hashLabel] = hash
	return labelled
}
