package revisions

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// HashLabel is the label with the [Hash] of a StatefulSet's revision. Those of DaemonSets have another label, and another hash.
const HashLabel = "controller.kubernetes.io/hash"

// longestPrefix bounds what a revision's name has of its owner's.
const longestPrefix = 223

// New is the revision of an owner's template, not numbered yet, with a hash for its name that stands in a label too.
func New(owner client.Object, template *corev1.PodTemplateSpec, label, hash string) *oappsv1.ControllerRevision {
	labels := maps.Clone(template.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[label] = hash
	return &oappsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   owner.GetNamespace(),
			Name:        Name(owner.GetName(), hash),
			Labels:      labels,
			Annotations: maps.Clone(owner.GetAnnotations()),
		},
		Data: runtime.RawExtension{Raw: Data(template)},
	}
}

// Name is what the revision of an owner is called.
func Name(owner, hash string) string {
	return owner[:min(len(owner), longestPrefix)] + "-" + hash
}

// Hash is FNV-1 of what a revision holds, followed by the count of collisions where there is one, in letters that spell no words.
func Hash(data []byte, collisions *int32) string {
	hash := fnv.New32()
	_, _ = hash.Write(data) // a hash takes every write
	if collisions != nil {
		_, _ = hash.Write([]byte(strconv.Itoa(int(*collisions))))
	}
	return rand.SafeEncodeString(fmt.Sprint(hash.Sum32()))
}

// Data is what a revision holds of a template: the strategic merge patch that sets it. It panics on what is no template.
func Data(template *corev1.PodTemplateSpec) []byte {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(template)
	if err != nil {
		panic(fmt.Errorf("writing a template: %w", err))
	}
	content["$patch"] = "replace"
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"template": content}})
	if err != nil {
		panic(fmt.Errorf("writing a template: %w", err))
	}
	return data
}

// Template is the template that a revision holds. To undo to the revision is to set it.
func Template(revision *oappsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	var patch struct {
		Spec struct {
			Template *corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(revision.Data.Raw, &patch); err != nil {
		return nil, fmt.Errorf("reading the template of ControllerRevision %s: %w", client.ObjectKeyFromObject(revision), err)
	}
	if patch.Spec.Template == nil {
		return nil, fmt.Errorf("reading the template of ControllerRevision %s: it holds none", client.ObjectKeyFromObject(revision))
	}
	return patch.Spec.Template, nil
}

// Same reports that two revisions hold the same template, however it is written: Kubernetes before 1.34 wrote times of creation that there
// are none of, and nobody's pods are to be rolled because of that.
func Same(a, b *oappsv1.ControllerRevision) bool {
	if string(a.Data.Raw) == string(b.Data.Raw) {
		return true
	}
	left, leftErr := Template(a)
	right, rightErr := Template(b)
	return leftErr == nil && rightErr == nil && equality.Semantic.DeepEqual(left, right)
}
