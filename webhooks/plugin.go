package webhooks

import (
	"context"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission"
)

// PluginName is what the rules are called in the chain of admission.
const PluginName = "OrreryKinds"

// Register makes the rules known to an API server, as an admission plugin that is on by default once it is in the
// recommended order of the server's plugins.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &plugin{admission.NewHandler(admission.Create, admission.Update)}, nil
	})
}

// plugin applies the rules in the API server itself.
type plugin struct{ *admission.Handler }

var (
	_ admission.MutationInterface   = (*plugin)(nil)
	_ admission.ValidationInterface = (*plugin)(nil)
)

func (p *plugin) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	obj, ok := ours(a.GetObject(), a)
	if !ok {
		return nil
	}
	return Default(obj)
}

func (p *plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	obj, ok := ours(a.GetObject(), a)
	if !ok {
		return nil
	}
	if old, ok := ours(a.GetOldObject(), a); ok {
		return ValidateUpdate(ctx, obj, old)
	}
	return ValidateCreate(ctx, obj)
}

// ours is the object of a request which the rules are for: a whole object of our kinds, under its own name.
func ours(obj any, a admission.Attributes) (*unstructured.Unstructured, bool) {
	u, ok := obj.(*unstructured.Unstructured)
	return u, ok && u != nil && a.GetSubresource() == "" && Covers(a.GetKind())
}
