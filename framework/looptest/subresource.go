package looptest

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (c *worldClient) Status() client.SubResourceWriter { return c.SubResource(string(status)) }

func (c *worldClient) SubResource(name string) client.SubResourceClient {
	return &subresource{c, name}
}

// subresource is a client of one subresource: status, which every kind has, or one of World.Subresources.
type subresource struct {
	*worldClient
	name string
}

func (s *subresource) Get(context.Context, client.Object, client.Object, ...client.SubResourceGetOption) error {
	return apierrors.NewBadRequest("this world does not read subresources")
}

func (s *subresource) Create(_ context.Context, obj, body client.Object, _ ...client.SubResourceCreateOption) error {
	kept := obj.DeepCopyObject().(client.Object) // the answer is of another kind
	return s.special("create/"+s.name, kept, body)
}

func (s *subresource) Update(_ context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	if s.name != string(status) {
		return s.special("update/"+s.name, obj, obj.DeepCopyObject().(client.Object))
	}
	return s.update("update/status", obj, status)
}

func (s *subresource) Patch(_ context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	if s.name != string(status) {
		return apierrors.NewBadRequest(fmt.Sprintf("this world does not patch the subresource %s", s.name))
	}
	options := (&client.SubResourcePatchOptions{}).ApplyOptions(opts)
	return s.patch("patch/status", obj, patch, status, options.FieldManager)
}

func (s *subresource) Apply(_ context.Context, config runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
	if s.name != string(status) {
		return apierrors.NewBadRequest(fmt.Sprintf("this world does not apply the subresource %s", s.name))
	}
	options := &client.SubResourceApplyOptions{}
	options.ApplyOpts(opts)
	return s.applyConfig(config, status, options.FieldManager)
}

// special lets the world's own function for a subresource change the object.
func (s *subresource) special(verb string, obj, body client.Object) error {
	act := s.world.Subresources[s.name]
	return s.write(verb, obj, func(k *kind, current client.Object) (client.Object, error) {
		if act == nil {
			return nil, notFound(k, obj.GetName()+"/"+s.name)
		}
		wanted := current.DeepCopyObject().(client.Object)
		if err := act(wanted, body); err != nil {
			return nil, err
		}
		return s.world.replace(k, current, wanted, whole)
	})
}
