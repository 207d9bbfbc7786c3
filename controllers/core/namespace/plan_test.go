package namespace

import (
	"errors"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPlanWaitsLongerTheLongerItTakes(t *testing.T) {
	now := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	secret := kinds.Kind{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Secret"), Resource: "secrets"}
	left := func(grace int64, finalizers ...string) content {
		deleted := metav1.NewTime(now)
		return content{kind: secret, objects: []metav1.PartialObjectMetadata{{ObjectMeta: metav1.ObjectMeta{
			Name: "x", DeletionTimestamp: &deleted, DeletionGracePeriodSeconds: &grace, Finalizers: finalizers,
		}}}}
	}
	for _, test := range []struct {
		name  string
		age   time.Duration
		world world
		want  time.Duration
	}{
		{"an empty namespace waits until everybody knows", 2 * time.Second, world{}, 3 * time.Second},
		{"at first it looks again at once", 0, world{contents: []content{left(30)}}, firstLook},
		{"then after half of its age", 10 * time.Second, world{contents: []content{left(30)}}, 5 * time.Second},
		{"up to half of the grace period", time.Hour, world{contents: []content{left(30)}}, 16 * time.Second},
		{"or half of what finalizers take", time.Hour, world{contents: []content{left(0, "keep")}}, 8500 * time.Millisecond},
		{"after trouble it waits up to a minute", time.Hour, world{contents: []content{{kind: secret, err: errors.New("no")}}}, time.Minute},
		{"as when a group does not answer", time.Hour, world{discovery: &kinds.Failure{}}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			deleted := metav1.NewTime(now.Add(-test.age))
			namespace := &corev1.Namespace{
				ObjectMeta: metav1.ObjectMeta{Name: "a", DeletionTimestamp: &deleted},
				Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
			}
			c := Controller{Options{}.withDefaults()}
			again := c.Plan(namespace, test.world, now).Again()
			if again == nil || again.After != test.want {
				t.Errorf("it looks again: %v, want after %s", again, test.want)
			}
		})
	}
}
