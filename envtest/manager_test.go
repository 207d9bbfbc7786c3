package envtest_test

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
)

// ageOfCopies is when a copy is old.
const ageOfCopies = 5 * time.Minute

// ageing is a loop that gives ConfigMaps a copy, and has that grow old.
type ageing struct{}

type copied struct{ copy *corev1.ConfigMap }

func (ageing) Observe(ctx context.Context, view loop.View, obj *corev1.ConfigMap) (copied, error) {
	var c corev1.ConfigMap
	err := view.Get(ctx, client.ObjectKey{Namespace: obj.Namespace, Name: obj.Name + "-copy"}, &c)
	if apierrors.IsNotFound(err) {
		return copied{}, nil
	}
	return copied{&c}, err
}

func (ageing) Plan(obj *corev1.ConfigMap, w copied, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case obj.Labels["copied"] == "":
	case w.copy == nil:
		p.Create("there is none", &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: obj.Namespace, Name: obj.Name + "-copy"}, Data: map[string]string{"since": now.Format(time.RFC3339)},
		})
		p.After(ageOfCopies, "it is old then")
	default:
		since, err := time.Parse(time.RFC3339, w.copy.Data["since"])
		if left := since.Add(ageOfCopies).Sub(now); err == nil && left > 0 {
			p.After(left, "it is old then")
			return p
		}
		aged := w.copy.DeepCopy()
		aged.Data["old"] = "true"
		p.Patch("its time has passed", w.copy, aged)
	}
	return p
}

func managerRests(m *machine) {
	mgr, err := m.te.NewManager(manager.Options{})
	m.must(err)
	m.must(loop.New("ageing", ageing{}).AddTo(mgr, m.te.LoopOptions()))
	ctx, stop := context.WithCancel(m.ctx)
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	defer func() {
		stop()
		m.must(<-ended)
		m.settle()
	}()
	configMaps := m.kube.CoreV1().ConfigMaps(m.namespace)
	for range 5 {
		_, err := configMaps.Create(m.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "c-", Labels: map[string]string{"copied": "yes"}}}, metav1.CreateOptions{})
		m.must(err)
	}
	<-mgr.Elected()
	m.settle()
	copies := func() (all, old int) {
		list, err := configMaps.List(m.ctx, metav1.ListOptions{})
		m.must(err)
		for _, c := range list.Items {
			if c.Data["since"] != "" {
				all++
			}
			if c.Data["old"] != "" {
				old++
			}
		}
		return all, old
	}
	if all, old := copies(); all != 5 || old != 0 {
		m.t.Errorf("there are %d copies, %d of them old; want 5 and none", all, old)
	}
	m.advance(ageOfCopies)
	if all, old := copies(); all != 5 || old != 5 {
		m.t.Errorf("when they are old there are %d copies, %d of them old; want 5 and all", all, old)
	}
}
