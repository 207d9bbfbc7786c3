package pcrcleaner

import (
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// +kubebuilder:rbac:groups=certificates.k8s.io,resources=podcertificaterequests,verbs=get;list;watch;delete

// Controller decides for PodCertificateRequests.
type Controller struct{}

var _ loop.Controller[*certificatesv1.PodCertificateRequest, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("podcertificaterequest-cleaner-controller", Controller{})
}
