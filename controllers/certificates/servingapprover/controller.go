package servingapprover

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
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=signers,resourceNames=kubernetes.io/kubelet-serving,verbs=approve
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups="",resources=nodes;services,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// Controller decides for CertificateSigningRequests.
type Controller struct{}

var _ loop.Controller[*certificatesv1.CertificateSigningRequest, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("kubelet-serving-csr-approver", Controller{}, loop.When(predicate.NewPredicateFuncs(waits)))
}

// waits reports that an object is a request of a node's server that nobody has decided about.
func waits(obj client.Object) bool {
	request, ok := obj.(*certificatesv1.CertificateSigningRequest)
	return ok && undecided(request)
}
