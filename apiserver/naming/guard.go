package naming

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/orrery-dev/orrery/apis"
)

// GuardName is the name of the admission plugin that Guard makes.
const GuardName = "OrreryTwoNames"

// definitions is what the guard looks at.
var definitions = schema.GroupResource{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}

// Guard is an admission plugin that refuses to delete the definition of a second name. Kubernetes deletes all objects
// of a definition with it, and here these are the objects of the first name as well.
func Guard(io.Reader) (admission.Interface, error) {
	guarded := map[string]schema.GroupResource{}
	for _, kind := range apis.Kinds() {
		guarded[kind.GroupVersionResource(apis.Orrery).GroupResource().String()] = kind.GroupVersionResource(apis.Kubernetes).GroupResource()
	}
	return &guard{Handler: admission.NewHandler(admission.Delete), guarded: guarded}, nil
}

type guard struct {
	*admission.Handler
	// guarded maps the name of a definition to the resource whose objects it stores.
	guarded map[string]schema.GroupResource
}

var _ admission.ValidationInterface = &guard{}

// Validate implements admission.ValidationInterface.
func (g *guard) Validate(_ context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	if attributes.GetResource().GroupResource() != definitions || attributes.GetSubresource() != "" {
		return nil
	}
	name := attributes.GetName()
	if old := attributes.GetOldObject(); name == "" && old != nil { // one of a collection
		accessor, err := meta.Accessor(old)
		if err != nil {
			return admission.NewForbidden(attributes, err)
		}
		name = accessor.GetName()
	}
	if resource, ok := g.guarded[name]; ok {
		return admission.NewForbidden(attributes, fmt.Errorf(
			"%s and %s are two names for the same objects: deleting this definition would delete all of them; delete the objects you mean instead", name, resource))
	}
	return nil
}
