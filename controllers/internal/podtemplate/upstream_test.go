package podtemplate_test

import (
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/kubernetes/pkg/controller"
	"pgregory.net/rapid"
)

// The tests of this file ask Kubernetes' own functions for the answer, on random templates.

func TestHashIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		template := drawTemplate(t)
		var collisions *int32
		if rapid.Bool().Draw(t, "collided") {
			n := rapid.Int32Min(0).Draw(t, "collisions")
			collisions = &n
		}
		if got, want := podtemplate.Hash(template, collisions), controller.ComputeHash(template, collisions); got != want {
			t.Fatalf("the hash is %s, Kubernetes' is %s", got, want)
		}
	})
}

func TestPodIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		template, owner := drawTemplate(t), gen.ReplicaSet("web", 1)
		want, err := controller.GetPodFromTemplate(template, owner, nil)
		if err != nil {
			t.Fatal(err)
		}
		want.Namespace = owner.Namespace // upstream's client says it
		got := (*corev1.Pod)(podtemplate.Pod(owner, template))
		if !equality.Semantic.DeepEqual(got, want) {
			t.Fatalf("the pod is %+v, Kubernetes' is %+v", got, want)
		}
	})
}

func drawTemplate(t *rapid.T) *corev1.PodTemplateSpec {
	words := rapid.MapOfN(rapid.StringN(1, 5, -1), rapid.String(), 0, 4)
	template := gen.Deployment("web").Spec.Template
	template.Labels = words.Draw(t, "labels")
	template.Annotations = words.Draw(t, "annotations")
	template.Finalizers = rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "finalizers")
	template.Spec.NodeSelector = words.Draw(t, "node selector")
	template.Spec.Containers[0].Image = rapid.String().Draw(t, "image")
	template.Spec.Containers[0].Args = rapid.SliceOf(rapid.String()).Draw(t, "args")
	if rapid.Bool().Draw(t, "grace") {
		seconds := rapid.Int64().Draw(t, "grace seconds")
		template.Spec.TerminationGracePeriodSeconds = &seconds
	}
	return &template
}
