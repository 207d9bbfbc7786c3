package looptest

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (c *worldClient) Status() client.SubResourceWriter { return c.SubResource(string(status)) }

func (c *worldClient) SubResource(name string) client.SubResourceClient {
	return &subresource{c, name}
}

// The subresources that a world knows by itself, besides status.
const (
	scale    = "scale"
	eviction = "eviction"
)

// subresource is a client of one subresource: status and scale, which every kind has, or one of World.Subresources.
type subresource struct {
	*worldClient
	name string
}

func (s *subresource) Get(_ context.Context, obj, into client.Object, _ ...client.SubResourceGetOption) error {
	if s.name != scale {
		return apierrors.NewBadRequest(fmt.Sprintf("this world does not read the subresource %s", s.name))
	}
	if err := s.reads(obj); err != nil {
		return err
	}
	return s.world.readScale(obj, into)
}

func (s *subresource) Create(_ context.Context, obj, body client.Object, _ ...client.SubResourceCreateOption) error {
	kept := obj.DeepCopyObject().(client.Object) // the answer is of another kind
	return s.special("create/"+s.name, kept, body)
}

func (s *subresource) Update(_ context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	switch options := (&client.SubResourceUpdateOptions{}).ApplyOptions(opts); {
	case s.name == string(status):
		return s.update("update/status", obj, status)
	case s.name == scale && options.SubResourceBody != nil:
		return s.updateScale(obj, options.SubResourceBody)
	default:
		return s.special("update/"+s.name, obj, obj.DeepCopyObject().(client.Object))
	}
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
		if s.name == eviction {
			options, err := deleteOptionsOf(body)
			if err != nil {
				return nil, err
			}
			return s.world.delete(k, current, options)
		}
		return s.world.replace(k, current, wanted, whole)
	})
}

// deleteOptionsOf are the options of a deletion that the body of an eviction holds.
func deleteOptionsOf(body client.Object) (*client.DeleteOptions, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(body)
	if err != nil {
		return nil, fmt.Errorf("reading an eviction: %w", err)
	}
	found, _, err := unstructured.NestedMap(content, "deleteOptions")
	if err != nil {
		return nil, fmt.Errorf("reading an eviction: %w", err)
	}
	var options metav1.DeleteOptions
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found, &options); err != nil {
		return nil, fmt.Errorf("reading an eviction: %w", err)
	}
	return &client.DeleteOptions{
		GracePeriodSeconds: options.GracePeriodSeconds,
		Preconditions:      options.Preconditions,
		PropagationPolicy:  options.PropagationPolicy,
	}, nil
}
