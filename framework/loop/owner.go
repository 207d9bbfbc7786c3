package loop

import (
	"context"
	"strings"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownerKind is the kind of a loop's objects, as owner references tell it.
type ownerKind struct {
	schema.GroupKind
	namespaced bool
}

// controllers names the object of the loop's kind that controls another one. What the cluster says of the kind is asked once: many
// loops are told of every change of every pod, and nearly always it concerns none of their objects.
func (d *declaration) controllers() concern {
	var known atomic.Pointer[ownerKind]
	return func(_ context.Context, c client.Client, owned client.Object) ([]client.ObjectKey, error) {
		owner := metav1.GetControllerOfNoCopy(owned)
		if owner == nil {
			return nil, nil
		}
		kind := known.Load()
		if kind == nil {
			var err error
			if kind, err = d.ownerKind(c); err != nil {
				return nil, err
			}
			known.Store(kind)
		}
		if owner.Kind != kind.Kind || groupOf(owner.APIVersion) != kind.Group {
			return nil, nil
		}
		key := client.ObjectKey{Name: owner.Name}
		if kind.namespaced {
			key.Namespace = owned.GetNamespace()
		}
		return []client.ObjectKey{key}, nil
	}
}

func (d *declaration) ownerKind(c client.Client) (*ownerKind, error) {
	kind, err := c.GroupVersionKindFor(d.prototype)
	if err != nil {
		return nil, err
	}
	namespaced, err := c.IsObjectNamespaced(d.prototype)
	if err != nil {
		return nil, err
	}
	return &ownerKind{kind.GroupKind(), namespaced}, nil
}

// groupOf is the group of an apiVersion; that of core is empty.
func groupOf(apiVersion string) string {
	group, _, named := strings.Cut(apiVersion, "/")
	if !named {
		return ""
	}
	return group
}
