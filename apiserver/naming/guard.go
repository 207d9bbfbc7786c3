package naming

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/warning"

	"github.com/orrery-dev/orrery/apis"
)

// GuardName is the name of the admission plugin that Guard makes.
const GuardName = "OrreryTwoNames"

// definitions is what the guard guards.
var definitions = schema.GroupResource{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}

// Guard is an admission plugin that keeps the definitions of the second names as the server wrote them: discovery is made of
// them, and clients find the second names by it. It refuses to delete one, and whoever else changes what one says changes its
// metadata only, and is warned. Of rules for requests that name a second name, and would never be asked, it warns as well.
func Guard(io.Reader) (admission.Interface, error) {
	guarded := map[string]schema.GroupResource{}
	for _, kind := range apis.Kinds() {
		guarded[kind.GroupVersionResource(apis.Orrery).GroupResource().String()] = kind.GroupVersionResource(apis.Kubernetes).GroupResource()
	}
	return &guard{Handler: admission.NewHandler(admission.Create, admission.Update, admission.Delete), guarded: guarded}, nil
}

type guard struct {
	*admission.Handler
	// guarded maps the name of a definition to the resource that it is the second name of.
	guarded map[string]schema.GroupResource
}

var (
	_ admission.MutationInterface   = &guard{}
	_ admission.ValidationInterface = &guard{}
)

// Admit implements admission.MutationInterface: it undoes what others than the server change in a definition.
func (g *guard) Admit(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	if attributes.GetOperation() != admission.Update || attributes.GetResource().GroupResource() != definitions || byServer(attributes) {
		return nil
	}
	changed, ok := attributes.GetObject().(*apiextensions.CustomResourceDefinition)
	before, okBefore := attributes.GetOldObject().(*apiextensions.CustomResourceDefinition)
	if !ok || !okBefore {
		return admission.NewForbidden(attributes, fmt.Errorf("a definition is %T and %T", attributes.GetObject(), attributes.GetOldObject()))
	}
	resource, ok := g.guarded[before.Name]
	if !ok || equality.Semantic.DeepEqual(before.Spec, changed.Spec) && equality.Semantic.DeepEqual(before.Status, changed.Status) {
		return nil
	}
	before = before.DeepCopy()
	changed.Spec, changed.Status = before.Spec, before.Status
	warning.AddWarning(ctx, "", fmt.Sprintf("%s is a second name of %s, and its definition is the server's own: only metadata is changed", before.Name, resource))
	return nil
}

// Validate implements admission.ValidationInterface.
func (g *guard) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	switch {
	case attributes.GetOperation() != admission.Delete:
		if !byServer(attributes) {
			warnOfNames(ctx, attributes.GetObject())
		}
		return nil
	case attributes.GetResource().GroupResource() != definitions || attributes.GetSubresource() != "":
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
			"%s and %s are two names for the same objects, and by this definition the one is found: delete the objects you mean instead", name, resource))
	}
	return nil
}

// byServer reports that a request is the server's own.
func byServer(attributes admission.Attributes) bool {
	info := attributes.GetUserInfo()
	return info != nil && info.GetName() == user.APIServerUser
}
