package plan

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patched is the error of a patch. That its object is not found is a conflict: somebody deleted it after it was observed,
// as somebody might have changed it.
func patched(err error) error {
	if missing := missing(err); missing != nil {
		return conflictWithDeletion(missing)
	}
	return err
}

// statusPatched is the error of a patch of the status. A custom resource without that subresource answers like one that is
// gone, however often the loop observes anew; so the object itself is looked for.
func statusPatched(ctx context.Context, act Actor, observed client.Object, err error) error {
	missing := missing(err)
	if missing == nil {
		return err
	}
	now := reflect.New(reflect.TypeOf(observed).Elem()).Interface().(client.Object)
	now.GetObjectKind().SetGroupVersionKind(observed.GetObjectKind().GroupVersionKind())
	switch readErr := act.Live().Get(ctx, client.ObjectKeyFromObject(observed), now); {
	case client.IgnoreNotFound(readErr) != nil:
		return fmt.Errorf("%w; and looking whether the object exists: %w", err, readErr)
	case readErr == nil && now.GetUID() == observed.GetUID():
		return fmt.Errorf("the kind %s has no status subresource: %w", kind(observed), err)
	default:
		return conflictWithDeletion(missing)
	}
}

// missing is what the server says of the object that it did not find; nil for any other error. A server that does not
// have the kind at all names no object, or does not answer as an API server does: that is no deletion.
func missing(err error) *metav1.StatusDetails {
	var answer apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &answer) ||
		apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
		return nil
	}
	if details := answer.Status().Details; details != nil && details.Name != "" {
		return details
	}
	return nil
}

func conflictWithDeletion(of *metav1.StatusDetails) error {
	resource := schema.GroupResource{Group: of.Group, Resource: of.Kind}
	return apierrors.NewConflict(resource, of.Name, errors.New("the object has been deleted"))
}
