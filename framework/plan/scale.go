package plan

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// scaleKind is autoscaling/v1 Scale, which the scale subresource of every kind speaks.
var scaleKind = schema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "Scale"}

// Scale sets the replicas of an object of any kind, built in or of a CustomResourceDefinition, through its scale subresource,
// locked to the observed UID and resourceVersion. That the object has changed since, or is gone, is a conflict. It takes the
// right to update the resource's scale.
type Scale struct {
	observed client.Object
	from, to int32
	why      string
	hooks    hooks
}

// Scale adds a step that scales the observed object; from is how many replicas were observed, and where that is what they
// shall be it adds nothing. Of the object only its kind, names, UID and resourceVersion count, so that it can be made from the
// scale of a kind that the scheme does not know. See [Scale].
func (p *Plan) Scale(why string, observed client.Object, from, to int32) *Scale {
	step := &Scale{observed: observed, from: from, to: to, why: why}
	if from != to {
		p.Do(step)
	}
	return step
}

// Succeeded records an event once the object is scaled. The event gets the object as it was observed.
func (s *Scale) Succeeded(event func(scaled client.Object) Event) *Scale {
	s.hooks.succeeded = event
	return s
}

// Failed records an event when the object could not be scaled. A conflict is no failure.
func (s *Scale) Failed(event func(obj client.Object, err error) Event) *Scale {
	s.hooks.failed = event
	return s
}

// Observed is the object as it was read. It must not be changed.
func (s *Scale) Observed() client.Object { return s.observed }

// Replicas is how many the object shall have.
func (s *Scale) Replicas() int32 { return s.to }

// Verb is "scale".
func (s *Scale) Verb() string { return "scale" }

// Why is the reason that was given.
func (s *Scale) Why() string { return s.why }

func (s *Scale) String() string {
	return fmt.Sprintf("scale %s from %d to %d", name(s.observed), s.from, s.to)
}

// Do scales the object.
func (s *Scale) Do(ctx context.Context, act Actor) error {
	err := patched(s.scale(ctx, act))
	s.hooks.record(act, s.observed, err)
	if err != nil {
		return fmt.Errorf("scaling %s: %w", name(s.observed), err)
	}
	return nil
}

func (s *Scale) scale(ctx context.Context, act Actor) error {
	// Unstructured, since that works for every kind, whatever is registered and however it is encoded.
	kind, err := apiutil.GVKForObject(s.observed, act.Scheme())
	if err != nil {
		return err
	}
	target := named(s.observed, kind)
	scale := named(s.observed, scaleKind)
	scale.SetResourceVersion(act.ResourceVersion(s.observed))
	if err := unstructured.SetNestedField(scale.Object, int64(s.to), "spec", "replicas"); err != nil {
		return err
	}
	return act.SubResource("scale").Update(ctx, target, client.WithSubResourceBody(scale), act.FieldOwner())
}

// named is an object of a kind with the names and the UID of another.
func named(obj client.Object, kind schema.GroupVersionKind) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	u.SetNamespace(obj.GetNamespace())
	u.SetName(obj.GetName())
	u.SetUID(obj.GetUID())
	return u
}
