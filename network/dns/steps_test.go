package dns

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/engine"
)

// An API server says of an address that is in use first, and only then that there is a Service of that name.
func TestAnAddressThatTheServiceHasItselfIsNoError(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	inUse := apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, serviceName, nil)
	byName := func(object client.Object) []string { return []string{object.GetName()} }
	for name, there := range map[string]bool{"the Service is there": true, "somebody else has the address": false} {
		t.Run(name, func(t *testing.T) {
			cluster := fake.NewClientBuilder().WithScheme(scheme).WithIndex(ours(service("")), "metadata.name", byName)
			if there {
				cluster.WithObjects(ours(service("10.96.0.10")))
			}
			refuses := interceptor.NewClient(cluster.Build(), interceptor.Funcs{
				Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return inUse },
			})
			err := (&create{object: service("10.96.0.10")}).Do(t.Context(), &node{client: refuses, live: refuses})
			if retried := errors.As(err, new(*engine.RetryError)); err == nil || retried != there {
				t.Errorf("got %v, want it to be looked at again without a word: %t", err, there)
			}
		})
	}
}
