package gen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDefaultsAreThoseOfKubernetes lets Kubernetes' own functions set the defaults of what is built: there is none left to set.
func TestDefaultsAreThoseOfKubernetes(t *testing.T) {
	for name, obj := range map[string]client.Object{
		"Deployment":              (*appsv1.Deployment)(gen.Deployment("web")),
		"ReplicaSet":              (*appsv1.ReplicaSet)(gen.ReplicaSet("web", 3)),
		"StatefulSet":             (*appsv1.StatefulSet)(gen.StatefulSet("web", 3)),
		"DaemonSet":               (*appsv1.DaemonSet)(gen.DaemonSet("web")),
		"ReplicationController":   (*corev1.ReplicationController)(gen.ReplicationController("web", 3)),
		"Job":                     (*batchv1.Job)(gen.Job("web")),
		"CronJob":                 (*batchv1.CronJob)(gen.CronJob("web", "* * * * *")),
		"HorizontalPodAutoscaler": (*autoscalingv2.HorizontalPodAutoscaler)(gen.HorizontalPodAutoscaler("web", 5)),
		"PodDisruptionBudget":     (*policyv1.PodDisruptionBudget)(gen.PodDisruptionBudget("web")),
	} {
		t.Run(name, func(t *testing.T) {
			want := obj.DeepCopyObject()
			legacyscheme.Scheme.Default(want)
			if diff := cmp.Diff(want, runtime.Object(obj)); diff != "" {
				t.Errorf("defaults are missing or wrong (-defaulted +built):\n%s", diff)
			}
		})
	}
}
