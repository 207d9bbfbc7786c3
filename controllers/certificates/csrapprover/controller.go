package csrapprover

import (
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Who approves a request must be allowed to approve for its signer besides.
//
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=certificatesigningrequests,verbs=get;list;watch
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=certificatesigningrequests/approval,verbs=update
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=signers,resourceNames=kubernetes.io/kube-apiserver-client-kubelet,verbs=approve
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Controller decides for CertificateSigningRequests.
type Controller struct{}

var _ loop.Controller[*certificatesv1.CertificateSigningRequest, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("certificatesigningrequest-approving-controller", Controller{}, loop.When(predicate.NewPredicateFuncs(waits)))
}

// waits reports that an object is a request of a kubelet that nobody has decided about.
func waits(obj client.Object) bool {
	request, ok := obj.(*certificatesv1.CertificateSigningRequest)
	return ok && undecided(request)
}
