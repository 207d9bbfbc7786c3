package naming

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/net"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// BuiltIn reports whether the object is served under Kubernetes' own group, as the scheme names it. That the scheme does
// not know the object's type is an error.
func BuiltIn(scheme *runtime.Scheme, object runtime.Object) (bool, error) {
	kind, err := apiutil.GVKForObject(object, scheme)
	if err != nil {
		return false, fmt.Errorf("finding the API group of %T: %w", object, err)
	}
	return clientgoscheme.Scheme.Recognizes(kind), nil
}

// passes reports whether an error is the API server's and likely to pass soon.
func passes(err error) bool {
	return apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) || net.IsConnectionRefused(err)
}

func passesOrConflicts(err error) bool { return passes(err) || apierrors.IsConflict(err) }
