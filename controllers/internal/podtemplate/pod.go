package podtemplate

import (
	"fmt"
	"strconv"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Pod is a pod of a template for an owner, in its namespace, with a name that is generated from the owner's.
func Pod(owner client.Object, template *corev1.PodTemplateSpec) *ocorev1.Pod {
	t := template.DeepCopy()
	return &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    owner.GetNamespace(),
			GenerateName: NamePrefix(owner.GetName()),
			Labels:       t.Labels,
			Annotations:  t.Annotations,
			Finalizers:   t.Finalizers,
		},
		Spec: t.Spec,
	}
}

// Pods are n pods of a template for an owner, with generated names.
func Pods(owner client.Object, template *corev1.PodTemplateSpec, n int) []*ocorev1.Pod {
	pods := make([]*ocorev1.Pod, n)
	for i := range pods {
		pods[i] = Pod(owner, template)
	}
	return pods
}

// NamePrefix is what the names of an owner's pods begin with: the dash is left out where it would make the prefix too long.
func NamePrefix(owner string) string {
	if len(owner)+1 > validation.DNS1123SubdomainMaxLength {
		return owner
	}
	return owner + "-"
}

// OrdinalName is the name of an owner's pod with an ordinal, as in web-0.
func OrdinalName(owner string, ordinal int) string { return fmt.Sprintf("%s-%d", owner, ordinal) }

// Ordinal is the ordinal in the name of a pod, if that is one of the owner's with an ordinal.
func Ordinal(owner, pod string) (int, bool) {
	digits, ours := strings.CutPrefix(pod, owner+"-")
	n, err := strconv.ParseInt(digits, 10, 32)
	if !ours || err != nil || strconv.Itoa(int(n)) != digits || n < 0 {
		return 0, false
	}
	return int(n), true
}

// IndexedPrefix is what the name of an owner's pod with an index begins with, as in sums-3-; a long name of the owner is cut, so that what
// the API server appends has room.
func IndexedPrefix(owner string, index int) string {
	const longest = 58 // what the API server keeps of a prefix: names are of 63 letters, of which 5 are random
	suffix := fmt.Sprintf("-%d-", index)
	return owner[:min(len(owner), longest-len(suffix))] + suffix
}
