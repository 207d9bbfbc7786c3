package resourcequota

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const name = "resourcequota-controller"

// A quota can count objects of any kind, so no list of kinds would do. Their metadata is all that is asked for, which RBAC has no
// word for.
//
// +kubebuilder:rbac:groups="",resources=resourcequotas,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=resourcequotas/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods;services;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups=*,resources=*,verbs=list;watch

// Loop is the controller with its watches. It can be added to one manager, since what it counts by metadata comes from a cache of
// its own.
func Loop(source kinds.Source) loop.Loop {
	counted := newCache(source)
	return declare(counted, loop.ReadsFrom(counted.open))
}

// declare is the loop with what it watches of itself.
func declare(known catalogue, options ...loop.Option) loop.Loop {
	return loop.New(name, Controller{known: known}, append([]loop.Option{
		loop.Watches(counting[*ocorev1.Pod](pods), loop.Update(podMatters)),
		loop.Watches(counting[*ocorev1.Service](services), loop.Update(serviceMatters)),
		loop.Watches(counting[*ocorev1.PersistentVolumeClaim](claims), loop.Update(claimMatters)),
	}, options...)...)
}

// Controller decides for ResourceQuotas.
type Controller struct{ known catalogue }

var _ loop.Controller[*corev1.ResourceQuota, world] = Controller{}

// catalogue knows kinds by the names that quotas give them.
type catalogue interface {
	// find is the kind of a resource whose objects can be counted; known is false if the server has no such kind.
	find(ctx context.Context, resource schema.GroupResource) (kind kinds.Kind, known bool, err error)
}

// counting names the quotas that count an object of a resource.
func counting[O client.Object](resource schema.GroupResource) func(context.Context, client.Reader, O) ([]client.ObjectKey, error) {
	return func(ctx context.Context, read client.Reader, obj O) ([]client.ObjectKey, error) {
		return quotasOn(ctx, read, resource, obj.GetNamespace())
	}
}

// quotasOn names the quotas of a namespace that count objects of a resource.
func quotasOn(ctx context.Context, read client.Reader, resource schema.GroupResource, namespace string) ([]client.ObjectKey, error) {
	var quotas corev1.ResourceQuotaList
	if err := read.List(ctx, &quotas, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the ResourceQuotas of namespace %s: %w", namespace, err)
	}
	var keys []client.ObjectKey
	for i := range quotas.Items {
		if resourcesOf(&quotas.Items[i]).Has(resource) {
			keys = append(keys, client.ObjectKeyFromObject(&quotas.Items[i]))
		}
	}
	return keys, nil
}
