package csrsigner

import (
	"crypto"
	"crypto/x509"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options are who signs, and for how long.
type Options struct {
	// Sign signs a certificate for a public key with the key of an authority, and answers it in DER. It draws the serial number, and
	// lets no certificate outlast the authority. A loop without it can be asked for its plans, but not be run.
	Sign func(template *x509.Certificate, public crypto.PublicKey) ([]byte, error)
	// Duration is how long a certificate is good for at most, and where the request does not say; 0 means a year. It is
	// --cluster-signing-duration.
	Duration time.Duration
}

func (o Options) duration() time.Duration {
	if o.Duration == 0 {
		return 365 * 24 * time.Hour
	}
	return o.Duration
}

// Who writes a certificate into a request must be allowed to sign for its signer besides.
//
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=certificatesigningrequests,verbs=get;list;watch
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=certificatesigningrequests/status,verbs=patch
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=signers,resourceNames=kubernetes.io/kube-apiserver-client;kubernetes.io/kube-apiserver-client-kubelet;kubernetes.io/kubelet-serving;kubernetes.io/legacy-unknown,verbs=sign

// Controller decides for CertificateSigningRequests.
type Controller struct{ Options }

var _ loop.Controller[*certificatesv1.CertificateSigningRequest, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("certificatesigningrequest-signing-controller", Controller{options}, loop.When(predicate.NewPredicateFuncs(waits)))
}

// waits reports that an object is a request which waits for one of the signers.
func waits(obj client.Object) bool {
	request, ok := obj.(*certificatesv1.CertificateSigningRequest)
	return ok && waitsForCertificate(request)
}
