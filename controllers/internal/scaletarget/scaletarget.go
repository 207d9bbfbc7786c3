package scaletarget

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Reference points to an object in the namespace of what holds it.
type Reference struct{ APIVersion, Kind, Name string }

// ControllerOf points to the controller of an object; false where it has none.
func ControllerOf(obj client.Object) (Reference, bool) {
	owner := metav1.GetControllerOfNoCopy(obj)
	if owner == nil {
		return Reference{}, false
	}
	return Reference{owner.APIVersion, owner.Kind, owner.Name}, true
}

// Target is an object with a scale, as it was read.
type Target struct {
	object *unstructured.Unstructured
	scale  autoscalingv1.Scale
}

// Reader reads subresources: a [loop.View] does.
type Reader interface {
	SubResource(name string) client.SubResourceReader
}

// Read reads the scale of what a reference in a namespace points to. That there is no such object is NotFound, and that its kind
// is not served what meta.IsNoMatchError recognises.
func Read(ctx context.Context, read Reader, namespace string, to Reference) (Target, error) {
	target := Target{object: unstructuredOf(to.APIVersion, to.Kind)}
	target.object.SetNamespace(namespace)
	target.object.SetName(to.Name)
	answer := unstructuredOf("autoscaling/v1", "Scale")
	err := read.SubResource("scale").Get(ctx, target.object, answer)
	if err == nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, &target.scale)
	}
	if err != nil {
		return Target{}, fmt.Errorf("reading the scale of %s %s/%s: %w", to.Kind, namespace, to.Name, err)
	}
	target.object.SetUID(target.scale.UID)
	target.object.SetResourceVersion(target.scale.ResourceVersion)
	return target, nil
}

func unstructuredOf(apiVersion, kind string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	return u
}

// UID is that of the object.
func (t Target) UID() types.UID { return t.scale.UID }

// Wanted is how many replicas are asked for.
func (t Target) Wanted() int32 { return t.scale.Spec.Replicas }

// Has is how many replicas there are.
func (t Target) Has() int32 { return t.scale.Status.Replicas }

// Selector selects the pods that the object counts. An object that does not say which has an empty selector, which selects
// nothing: found is false.
func (t Target) Selector() (selector labels.Selector, found bool, err error) {
	if t.scale.Status.Selector == "" {
		return labels.Nothing(), false, nil
	}
	selector, err = labels.Parse(t.scale.Status.Selector)
	if err != nil {
		return nil, false, fmt.Errorf("reading the selector of the scale of %s: %w", client.ObjectKeyFromObject(t.object), err)
	}
	return selector, true, nil
}

// Set plans that the object has so many replicas; see [plan.Scale].
func (t Target) Set(p *plan.Plan, why string, replicas int32) *plan.Scale {
	return p.Scale(why, t.object, t.Wanted(), replicas)
}
