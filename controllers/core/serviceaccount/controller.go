package serviceaccount

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// name is the ServiceAccount that every Namespace has.
const name = "default"

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;list;watch;create

// Loop creates the ServiceAccount "default" in each Namespace.
func Loop() loop.Loop {
	return loop.New[*corev1.Namespace, world]("serviceaccount", controller{},
		loop.Watches(func(_ context.Context, _ client.Reader, account *corev1.ServiceAccount) ([]client.ObjectKey, error) {
			if account.Name != name {
				return nil, nil
			}
			return []client.ObjectKey{{Name: account.Namespace}}, nil
		}),
	)
}

type controller struct{}

// world says whether the Namespace has its ServiceAccount.
type world struct{ exists bool }

func (controller) Observe(ctx context.Context, view loop.View, namespace *corev1.Namespace) (world, error) {
	err := view.Get(ctx, client.ObjectKey{Namespace: namespace.Name, Name: name}, &corev1.ServiceAccount{})
	if client.IgnoreNotFound(err) != nil {
		return world{}, fmt.Errorf("reading ServiceAccount %s/%s: %w", namespace.Name, name, err)
	}
	return world{exists: !apierrors.IsNotFound(err)}, nil
}

func (controller) Plan(namespace *corev1.Namespace, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !w.exists && namespace.DeletionTimestamp == nil {
		p.Create("every Namespace has one", &corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: name},
		})
	}
	return p
}
