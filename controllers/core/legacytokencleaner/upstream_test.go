package legacytokencleaner

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	"sigs.k8s.io/randfill"
)

func TestPodsReferToTheSecretsThatKubernetesSees(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0.5).NumElements(0, 2).MaxDepth(12).Funcs(
		func(*resource.Quantity, randfill.Continue) {},
		// Of the sources of a volume there is one.
		func(v *corev1.VolumeSource, c randfill.Continue) {
			var all corev1.VolumeSource
			c.FillNoCustom(&all)
			switch c.Intn(6) {
			case 0:
				v.Secret, v.Projected = all.Secret, nil
			case 1:
				v.Projected = all.Projected
			case 2:
				v.CSI = all.CSI
			case 3:
				v.AzureFile = all.AzureFile
			case 4:
				v.RBD = all.RBD
			default:
				*v = all
			}
		},
	)
	seen := 0
	for range 500 {
		var pod corev1.Pod
		fill.Fill(&pod.Spec)
		var want []string
		podutil.VisitPodSecretNames(&pod, func(name string) bool { want = append(want, name); return true })
		got := secretsOf(&pod.Spec)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("names that Kubernetes sees (-) and we (+):\n%s", diff)
		}
		seen += len(want)
	}
	if seen == 0 {
		t.Error("no pod refers to anything")
	}
}
