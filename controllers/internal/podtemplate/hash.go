package podtemplate

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/dump"
)

// HashLabel tells the pods of one owner's templates apart.
const HashLabel = appsv1.DefaultDeploymentUniqueLabelKey

// Hash is FNV-1a of the template as k8s.io/utils/dump prints it, followed by the count of collisions where there is one, in
// letters that spell no words. Kubernetes computes the same.
func Hash(template *corev1.PodTemplateSpec, collisions *int32) string {
	hash := fnv.New32a()
	_, _ = fmt.Fprintf(hash, "%v", dump.ForHash(*template)) // a hash takes every write
	if collisions != nil {
		var count [8]byte
		binary.LittleEndian.PutUint32(count[:], uint32(*collisions))
		_, _ = hash.Write(count[:])
	}
	return rand.SafeEncodeString(fmt.Sprint(hash.Sum32()))
}

// Same compares templates but for [HashLabel].
func Same(a, b *corev1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(WithoutHash(a), WithoutHash(b))
}

// WithoutHash is a copy of the template without [HashLabel].
func WithoutHash(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	t := template.DeepCopy()
	delete(t.Labels, HashLabel)
	return t
}

// WithHash is labels with [HashLabel].
func WithHash(labels map[string]string, hash string) map[string]string {
	labelled := maps.Clone(labels)
	if labelled == nil {
		labelled = map[string]string{}
	}
	labelled[HashLabel] = hash
	return labelled
}
