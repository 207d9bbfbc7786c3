package garbagecollector

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// empty is an API server that has nothing, and counts how often it is asked.
type empty struct {
	client.Reader
	asked int
}

func (e *empty) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	e.asked++
	return apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, key.Name)
}

func TestAnOwnerThatTheServerDoesNotHaveIsAskedForOnce(t *testing.T) {
	ms := watching(configMapKind, secretKind)
	c, live := Controller{known: ms}, &empty{}
	for _, name := range []string{"x", "y", "z"} {
		child := seen(secrets, name, ownedBy("a"))
		ms.put(child)
		w, err := observed(t, ms, child)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.areGone(w.in(missing))(t.Context(), live); err != nil {
			t.Fatal(err)
		}
	}
	if live.asked != 1 {
		t.Errorf("the API server was asked %d times for the owner of three, want once", live.asked)
	}
}
