package status

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestWhichPodsAreCritical(t *testing.T) {
	annotated := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Annotations = map[string]string{key: value} }
	}
	for name, test := range map[string]struct {
		change         func(*corev1.Pod)
		critical, node bool
	}{
		"one like any other":            {func(*corev1.Pod) {}, false, false},
		"one from the API":              {annotated("kubernetes.io/config.source", "api"), false, false},
		"a static one":                  {annotated("kubernetes.io/config.source", "file"), true, false},
		"the mirror of one":             {annotated(corev1.MirrorPodAnnotationKey, "x"), true, false},
		"an important one of a user's":  {func(p *corev1.Pod) { p.Spec.Priority = ptr.To[int32](1_000_000_000) }, false, false},
		"one that the cluster needs":    {func(p *corev1.Pod) { p.Spec.Priority = ptr.To[int32](2_000_000_000) }, true, false},
		"one that only calls itself so": {func(p *corev1.Pod) { p.Spec.PriorityClassName = systemNodeCritical }, false, false},
		"one that the node needs": {func(p *corev1.Pod) {
			p.Spec.PriorityClassName, p.Spec.Priority = systemNodeCritical, ptr.To[int32](2_000_001_000)
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(test.change)
			if Critical(p) != test.critical || NodeCritical(p) != test.node {
				t.Errorf("it is critical: %t, to its node: %t; want %t and %t", Critical(p), NodeCritical(p), test.critical, test.node)
			}
		})
	}
}

func TestWhatAPodOfTheAPISaysOfItsSourceIsNotBelieved(t *testing.T) {
	forged := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"kubernetes.io/config.source": "file", "own": "kept"}}}
	read := FromAPI(forged)
	if Static(read) || Critical(read) || read.Annotations["own"] != "kept" {
		t.Errorf("it is static: %t, critical: %t, with annotations %v", Static(read), Critical(read), read.Annotations)
	}
	if !Static(forged) {
		t.Error("the object that was read was changed")
	}
	plain := &corev1.Pod{}
	if FromAPI(plain) != plain {
		t.Error("a pod that says nothing is copied")
	}
}
