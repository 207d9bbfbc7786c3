package csrcleaner

import (
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// +kubebuilder:rbac:groups=certificates.k8s.io,resources=certificatesigningrequests,verbs=get;list;watch;delete

// Controller decides for CertificateSigningRequests.
type Controller struct{}

var _ loop.Controller[*certificatesv1.CertificateSigningRequest, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("certificatesigningrequest-cleaner-controller", Controller{})
}
