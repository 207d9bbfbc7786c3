package podtemplate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func template(changes ...func(*corev1.PodTemplateSpec)) *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"app": "web"},
			Annotations: map[string]string{"note": "hello"},
			Finalizers:  []string{"example.org/hold"},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:1"}}},
	}
	for _, change := range changes {
		change(t)
	}
	return t
}

func hashed(t *corev1.PodTemplateSpec) { t.Labels[podtemplate.HashLabel] = "5d8f" }

func TestPod(t *testing.T) {
	owner, of := gen.ReplicaSet("web", 1), template()
	pods := podtemplate.Pods(owner, of, 2)
	pods[0].Labels["app"], pods[0].Spec.Containers[0].Image = "changed", "changed"
	if diff := cmp.Diff(template(), of); diff != "" {
		t.Errorf("the template has changed (-before +after):\n%s", diff)
	}
	pod := pods[1]
	if pod.Name != "" || pod.GenerateName != "web-" || pod.Namespace != owner.Namespace {
		t.Errorf("the pod is %s/%s%s", pod.Namespace, pod.GenerateName, pod.Name)
	}
	got := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels, Annotations: pod.Annotations, Finalizers: pod.Finalizers}, Spec: pod.Spec}
	if diff := cmp.Diff(*template(), got); diff != "" {
		t.Errorf("the pod is not of its template (-want +got):\n%s", diff)
	}
}

func TestNamePrefix(t *testing.T) {
	for name, tt := range map[string]struct{ owner, want string }{
		"ends with a dash":                {"web", "web-"},
		"has one up to the longest name":  {strings.Repeat("a", 252), strings.Repeat("a", 252) + "-"},
		"lacks it where it would not fit": {strings.Repeat("a", 253), strings.Repeat("a", 253)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := podtemplate.NamePrefix(tt.owner); got != tt.want {
				t.Errorf("the prefix is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOrdinal(t *testing.T) {
	for _, tt := range []struct {
		pod  string
		want int
		ok   bool
	}{
		{"web-0", 0, true}, {"web-12", 12, true}, {podtemplate.OrdinalName("web", 3), 3, true},
		{"web", 0, false}, {"web-", 0, false}, {"web-x", 0, false}, {"web-01", 0, false}, {"web-+1", 0, false}, {"web--1", 0, false},
		{"web-1-0", 0, false}, {"other-0", 0, false}, {"web-99999999999", 0, false},
	} {
		t.Run(tt.pod, func(t *testing.T) {
			if got, ok := podtemplate.Ordinal("web", tt.pod); got != tt.want || ok != tt.ok {
				t.Errorf("the ordinal is %d, %t, want %d, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestSame(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b *corev1.PodTemplateSpec
		want bool
	}{
		{"as itself", template(), template(), true},
		{"with and without the hash", template(hashed), template(), true},
		{"with nil for empty", template(func(t *corev1.PodTemplateSpec) { t.Spec.Volumes = []corev1.Volume{} }), template(), true},
		{"not with another image", template(func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].Image = "app:2" }), template(), false},
		{"not with another label", template(func(t *corev1.PodTemplateSpec) { t.Labels["tier"] = "front" }), template(), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := podtemplate.Same(tt.a, tt.b); got != tt.want {
				t.Errorf("Same is %t, want %t", got, tt.want)
			}
		})
	}
	if labelled := template(hashed); podtemplate.Same(labelled, template()) && labelled.Labels[podtemplate.HashLabel] == "" {
		t.Error("comparing took the label away")
	}
}

func TestWithHashLeavesTheLabelsAlone(t *testing.T) {
	labels := map[string]string{"app": "web"}
	if got := podtemplate.WithHash(labels, "5d8f"); got[podtemplate.HashLabel] != "5d8f" || got["app"] != "web" || len(labels) != 1 {
		t.Errorf("the labels are %v, and were %v", got, labels)
	}
	if got := podtemplate.WithHash(nil, "5d8f"); len(got) != 1 {
		t.Errorf("the labels are %v", got)
	}
}
