package tree

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// The states that a node has besides those of an object that was read.
const (
	gone    = string(status.NotFoundStatus)
	unknown = string(status.UnknownStatus)
)

// judge says how an object is. canonical is the first name of a kind, by which kstatus knows what its fields mean.
func judge(o *unstructured.Unstructured, canonical func(schema.GroupKind) schema.GroupKind) (state, message string) {
	if deleted := o.GetDeletionTimestamp(); deleted != nil {
		if finalizers := o.GetFinalizers(); len(finalizers) > 0 {
			return string(status.TerminatingStatus), "waits for " + strings.Join(finalizers, ", ")
		}
	}
	first := o.DeepCopy()
	kind := first.GroupVersionKind()
	first.SetGroupVersionKind(canonical(kind.GroupKind()).WithVersion(kind.Version))
	result, err := status.Compute(first)
	if err != nil {
		return unknown, fmt.Sprintf("its status cannot be read: %v", err)
	}
	return string(result.Status), result.Message
}
