package validatingadmissionpolicystatus

import (
	"github.com/orrery-dev/orrery/framework/loop"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/client-go/discovery"
)

// name is the loop's name in metrics and as a field manager.
const name = "validatingadmissionpolicy-status-controller"

// Options are what the loop needs to know of the cluster.
type Options struct {
	// Discovery tells which kinds the API server has, and their schemas. Required.
	Discovery discovery.DiscoveryInterface
}

// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies/status,verbs=patch

// Controller decides for ValidatingAdmissionPolicies.
type Controller struct {
	// check finds the mistakes in a policy.
	check func(*admissionregistrationv1.ValidatingAdmissionPolicy) ([]admissionregistrationv1.ExpressionWarning, error)
}

var _ loop.Controller[*admissionregistrationv1.ValidatingAdmissionPolicy, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New(name, Controller{check: func(policy *admissionregistrationv1.ValidatingAdmissionPolicy) ([]admissionregistrationv1.ExpressionWarning, error) {
		return check(policy, discovered(options.Discovery))
	}})
}
