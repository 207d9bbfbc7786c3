package naming

import (
	"context"
	"fmt"

	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// PatchStatus writes what differs between the status of old and new. For a built-in kind lists are merged by their keys,
// so that others can write to the same list meanwhile. For a custom resource a list is replaced as a whole; the patch is
// then locked on old's version, and the error is a Conflict if somebody else has written since.
func PatchStatus(ctx context.Context, c client.Client, old, new client.Object) error {
	builtIn, err := BuiltIn(c.Scheme(), new)
	if err != nil {
		return fmt.Errorf("patching the status of %s: %w", client.ObjectKeyFromObject(new), err)
	}
	patch, retriable := client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{}), passes
	if builtIn {
		patch, retriable = client.StrategicMergeFrom(old), passesOrConflicts
	}
	err = retry.OnError(retry.DefaultBackoff, retriable, func() error {
		return c.Status().Patch(ctx, new.DeepCopyObject().(client.Object), patch)
	})
	if err != nil {
		return fmt.Errorf("patching the status of %s: %w", client.ObjectKeyFromObject(new), err)
	}
	return nil
}
