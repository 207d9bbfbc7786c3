package resourcequota

import (
	"errors"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What pods, claims and Services are charged for is compared with Kubernetes' own functions, in upstream_test.go.

func TestPlan(t *testing.T) {
	counted := func(used corev1.ResourceList, names ...corev1.ResourceName) *quota {
		q := quotaOf("limits", names...)
		q.Status = corev1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: used}
		return q
	}
	overdue := func(pod *ocorev1.Pod) {
		grace, at := int64(30), gen.Ago(31*time.Second)
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &at, &grace
	}
	aPod := world{pods: []ocorev1.Pod{*gen.Pod("web")}}
	const (
		recounts   = "look again in 5m0s: everything is counted anew then"
		looksAgain = "look again in 30s: configmaps cannot be counted: no answer"
	)
	silent := world{uncounted: map[schema.GroupResource]string{configMaps: "no answer"}}
	broken := world{uncounted: silent.uncounted, failed: []error{errors.New("counting configmaps: no answer")}}
	for _, tt := range []struct {
		name  string
		quota *quota
		world world
		// want is what is said, and looks when it is looked again.
		want, looks string
	}{
		{"a new quota is told at once what there is of all that it limits", quotaOf("limits", "pods", "services"), aPod,
			`status ResourceQuota default/limits {"status":{"hard":{"pods":"10","services":"10"},"used":{"pods":"1","services":"0"}}}`, recounts},
		{"one that says what there is is left alone", counted(corev1.ResourceList{"pods": number(1)}, "pods"), aPod, "nothing to do", recounts},
		{"however that is spelt", counted(corev1.ResourceList{"pods": resource.MustParse("1000m")}, "pods"), aPod, "nothing to do", recounts},
		{"what has gone is given back", counted(corev1.ResourceList{"pods": number(2)}, "pods"), aPod,
			`status ResourceQuota default/limits {"status":{"used":{"pods":"1"}}}`, recounts},
		{"what the quota does not limit any more is not told", counted(corev1.ResourceList{"pods": number(1), "services": number(1)}, "pods"), aPod,
			`status ResourceQuota default/limits {"status":{"used":{"services":null}}}`, recounts},
		{"what has been charged last is given time to be seen", counted(corev1.ResourceList{"pods": number(2)}, "pods"), world{putOff: time.Second},
			"nothing to do", "look again in 1s: what has been charged last may not be seen before"},
		{"what cannot be counted keeps what was said last", counted(corev1.ResourceList{"pods": number(2), "configmaps": number(5)}, "pods", "configmaps"), silent,
			`status ResourceQuota default/limits {"status":{"used":{"pods":"0"}}}`, looksAgain},
		{"and nothing is said where nothing was", quotaOf("limits", "configmaps"), silent,
			`status ResourceQuota default/limits {"status":{"hard":{"configmaps":"10"}}}`, looksAgain},
		{"that it cannot be counted is an error, when the rest has been told", counted(corev1.ResourceList{"pods": number(2)}, "pods", "configmaps"), broken,
			`status ResourceQuota default/limits {"status":{"used":{"pods":"0"}}}` + "\n" +
				"report what ResourceQuota default/limits limits and cannot be counted: counting configmaps: no answer", looksAgain},
		{"nor of what nobody counts", quotaOf("limits", "example.com/gpu"), world{},
			`status ResourceQuota default/limits {"status":{"hard":{"example.com/gpu":"10"}}}`, recounts},
		{"a pod whose node has been lost for long is not charged", counted(corev1.ResourceList{"pods": number(1), "count/pods": number(1)}, "pods", "count/pods"),
			world{pods: []ocorev1.Pod{*gen.Pod("lost", overdue)}},
			`status ResourceQuota default/limits {"status":{"used":{"pods":"0"}}}`, recounts},
		{"what has no scopes is not charged to a quota that has some",
			scoped(quotaOf("limits", "services"), corev1.ResourceQuotaScopeTerminating), world{services: []ocorev1.Service{*gen.Service("web")}},
			`status ResourceQuota default/limits {"status":{"hard":{"services":"10"},"used":{"services":"0"}}}`, recounts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{}).Plan(tt.quota, tt.world, gen.Now).String(); got != tt.want+"\n"+tt.looks {
				t.Errorf("the plan is\n%s\nwant\n%s\n%s", got, tt.want, tt.looks)
			}
		})
	}
}

func TestALostPodIsLookedAtAgain(t *testing.T) {
	grace, at := int64(30), metav1.NewTime(gen.Now)
	lost := gen.Pod("lost")
	lost.DeletionTimestamp, lost.DeletionGracePeriodSeconds = &at, &grace
	later, some := world{pods: []ocorev1.Pod{*lost, *gen.Pod("web")}}.nextOverdue(gen.Now)
	if !some || holdsResources(lost, gen.Now.Add(later)) || !holdsResources(lost, gen.Now.Add(later-time.Second)) {
		t.Errorf("it is looked at again in %s (%t), want when it is not charged any more", later, some)
	}
}
