package pvcprotection

import (
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

type change = func(*ocorev1.PersistentVolumeClaim)

var (
	protected = gen.Finalized[*ocorev1.PersistentVolumeClaim](finalizer)
	deleted   = gen.Deleted[*ocorev1.PersistentVolumeClaim]
	bound     = func(claim *ocorev1.PersistentVolumeClaim) { claim.Status.Phase = corev1.ClaimBound }
)

func TestPlan(t *testing.T) {
	const remove = "remove finalizer kubernetes.io/pvc-protection from PersistentVolumeClaim default/data: it is being deleted, and nobody uses it"
	withoutGrace := func(pod *ocorev1.Pod) {
		gen.Going(pod)
		none := int64(0)
		pod.DeletionGracePeriodSeconds = &none
	}
	web := gen.Pod("web", gen.ClaimsForItself("scratch"))
	scratch := func(claim *ocorev1.PersistentVolumeClaim) { claim.Name = "web-scratch" }
	const removeScratch = "remove finalizer kubernetes.io/pvc-protection from PersistentVolumeClaim default/web-scratch: it is being deleted, and nobody uses it"
	const keptByWeb = "nothing to do: it is being deleted, and pod web uses it"
	for _, tt := range []struct {
		name  string
		claim []change
		pods  []*ocorev1.Pod
		want  string
	}{
		{"a claim without the finalizer gets it", nil, nil,
			"add finalizer kubernetes.io/pvc-protection to PersistentVolumeClaim default/data: it must not go away while it is in use"},
		{"one that has it and stays is left alone", []change{protected}, nil, "nothing to do"},
		{"a deleted claim that nobody uses goes", []change{protected, deleted}, nil, remove},
		{"one that a pod on a node uses stays", []change{protected, deleted},
			[]*ocorev1.Pod{gen.Pod("web", gen.Claims("data"), gen.On("a"))}, keptByWeb},
		{"one that a pod without a node names goes", []change{protected, deleted}, []*ocorev1.Pod{gen.Pod("web", gen.Claims("data"))}, remove},
		{"a pod that has ended still uses it", []change{protected, deleted},
			[]*ocorev1.Pod{gen.Pod("web", gen.Claims("data"), gen.On("a"), gen.Phase(corev1.PodSucceeded))}, keptByWeb},
		{"a claim of a pod's ephemeral volume stays with the pod", []change{protected, deleted, scratch, gen.MadeFor(web)},
			[]*ocorev1.Pod{gen.Pod("web", gen.ClaimsForItself("scratch"), gen.On("a"))}, keptByWeb},
		{"unless the pod was deleted without grace", []change{protected, deleted, scratch, gen.MadeFor(web)},
			[]*ocorev1.Pod{gen.Pod("web", gen.ClaimsForItself("scratch"), gen.On("a"), withoutGrace)}, removeScratch},
		{"a claim that only has the name of an ephemeral volume's is nobody's", []change{protected, deleted, scratch},
			[]*ocorev1.Pod{gen.Pod("web", gen.ClaimsForItself("scratch"), gen.On("a"))}, removeScratch},
		{"what others keep is theirs", []change{gen.Finalized[*ocorev1.PersistentVolumeClaim]("example.com/mine"), deleted}, nil, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claim := gen.PersistentVolumeClaim("data", tt.claim...)
			if got := (Controller{}).Plan(claim, usersOf(claim, values(tt.pods)), gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestUnused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		claim []change
		pods  []*ocorev1.Pod
		want  corev1.ConditionStatus
	}{
		{"says nothing of a claim that is not bound", nil, nil, ""},
		{"nor of one that is being deleted", []change{bound, deleted}, nil, ""},
		{"is true when no pod refers to it", []change{bound}, []*ocorev1.Pod{gen.Pod("web", gen.Claims("other"))}, corev1.ConditionTrue},
		{"is false when a pod does, with a node or without", []change{bound}, []*ocorev1.Pod{gen.Pod("web", gen.Claims("data"))}, corev1.ConditionFalse},
		{"is true when those that do have ended", []change{bound},
			[]*ocorev1.Pod{gen.Pod("web", gen.Claims("data"), gen.On("a"), gen.Phase(corev1.PodFailed))}, corev1.ConditionTrue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claim := gen.PersistentVolumeClaim("data", append(tt.claim, protected)...)
			var got corev1.ConditionStatus
			for _, step := range (Controller{}).Plan(claim, usersOf(claim, values(tt.pods)), gen.Now).Steps() {
				if status, ok := step.(*plan.Status); ok {
					got = status.Wanted().(*ocorev1.PersistentVolumeClaim).Status.Conditions[0].Status
				}
			}
			if got != tt.want {
				t.Errorf("Unused is %q, want %q", got, tt.want)
			}
		})
	}
}

func values(pods []*ocorev1.Pod) []ocorev1.Pod {
	out := make([]ocorev1.Pod, len(pods))
	for i, pod := range pods {
		out[i] = *pod
	}
	return out
}
