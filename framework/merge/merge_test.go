package merge_test

import (
	"testing"

	"github.com/orrery-dev/orrery/framework/merge"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func pod(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "u", ResourceVersion: "7"}}
	if change != nil {
		change(pod)
	}
	return pod
}

func free(value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "data": map[string]any{"key": value}}}
}

func TestDifference(t *testing.T) {
	changed := func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "web"}
		pod.Status.Phase = corev1.PodRunning
	}
	status := func(field string) bool { return field == "status" }
	for _, tt := range []struct {
		name  string
		patch merge.Patch
		want  string
	}{
		{"holds what differs", merge.Difference(pod(nil), pod(changed)), `{"metadata":{"labels":{"app":"web"}},"status":{"phase":"Running"}}`},
		{"takes away what is gone", merge.Difference(pod(changed), pod(nil)), `{"metadata":{"labels":null},"status":{"phase":null}}`},
		{"is nil where nothing differs", merge.Difference(pod(nil), pod(nil)), `null`},
		{"is nil where nil became empty", merge.Difference(pod(nil), pod(func(pod *corev1.Pod) { pod.Labels = map[string]string{} })), `null`},
		{"leaves out a part where nil became empty", merge.Difference(pod(nil), pod(func(pod *corev1.Pod) {
			pod.Spec.Containers, pod.Labels = []corev1.Container{}, map[string]string{"app": "web"}
		})), `{"metadata":{"labels":{"app":"web"}}}`},
		{"knows no types of what has no fields", merge.Difference(free("a"), free("b")), `{"data":{"key":"b"}}`},
		{"is nil where nothing of that differs", merge.Difference(free("a"), free("a")), `null`},
		{"has parts", merge.Difference(pod(nil), pod(changed)).Only(status), `{"status":{"phase":"Running"}}`},
		{"has no empty part", merge.Difference(pod(nil), pod(func(pod *corev1.Pod) { pod.Spec.NodeName = "a" })).Only(status), `null`},
		{"is made of fields", merge.Fields(map[string]any{"spec": map[string]any{"nodeName": "a"}}), `{"spec":{"nodeName":"a"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.patch.String(); got != tt.want {
				t.Errorf("the patch is %s, want %s", got, tt.want)
			}
			if (tt.want == "null") != (tt.patch == nil) {
				t.Errorf("the patch is nil: %t", tt.patch == nil)
			}
		})
	}
}

func TestLocked(t *testing.T) {
	long := int64(9007199254740993) // one more than a float64 tells apart
	deadline := func(pod *corev1.Pod) { pod.Spec.ActiveDeadlineSeconds = &long }
	label := func(pod *corev1.Pod) { pod.Labels = map[string]string{"app": "web"} }
	for _, tt := range []struct {
		name  string
		patch client.Patch
		want  string
	}{
		{"to a version", merge.Difference(pod(nil), pod(label)).Locked("", "8"),
			`{"metadata":{"labels":{"app":"web"},"resourceVersion":"8"}}`},
		{"to a version and a UID", merge.Difference(pod(nil), pod(label)).Locked("u", "7"),
			`{"metadata":{"labels":{"app":"web"},"resourceVersion":"7","uid":"u"}}`},
		{"with all digits", merge.Difference(pod(nil), pod(deadline)).Locked("", "7"),
			`{"metadata":{"resourceVersion":"7"},"spec":{"activeDeadlineSeconds":9007199254740993}}`},
		{"with nothing else", merge.Patch(nil).Locked("", "7"), `{"metadata":{"resourceVersion":"7"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := tt.patch.Data(nil)
			if err != nil || string(data) != tt.want || tt.patch.Type() != types.MergePatchType {
				t.Errorf("the request is a %s of %s with error %v, want %s", tt.patch.Type(), data, err, tt.want)
			}
		})
	}
}

func TestLockingLeavesThePatchAlone(t *testing.T) {
	patch := merge.Fields(map[string]any{"metadata": map[string]any{"labels": nil}})
	patch.Locked("u", "7")
	if got, want := patch.String(), `{"metadata":{"labels":null}}`; got != want {
		t.Errorf("the patch became %s, want %s", got, want)
	}
}
