package csrapprover

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// world is what the API server says about who made a request.
type world struct {
	// granted is the right by which it may have the certificate; nil if it has none.
	granted *right
	// refused are the subresources that it may not create, which would have done.
	refused []string
}

// Observe asks the API server for the rights of who made a request.
func (Controller) Observe(ctx context.Context, view loop.View, request *certificatesv1.CertificateSigningRequest) (world, error) {
	if !undecided(request) {
		return world{}, nil
	}
	asked, err := signingrequest.Parse(request.Spec.Request)
	if err != nil { // the API server lets none of these in
		return world{}, plan.Stop(fmt.Errorf("parsing what CertificateSigningRequest %s asks for: %w", request.Name, err))
	}
	var w world
	if signingrequest.CheckKubeletClient(asked, request.Spec.Usages) != nil {
		return w, nil //nolint:nilerr // it is not for a kubelet, and nobody's business here
	}
	for i := range rights {
		r := &rights[i]
		if !r.concerns(request, asked) {
			continue
		}
		review := signingrequest.Review(request, r.subresource)
		if err := view.Review(ctx, review); err != nil {
			return world{}, fmt.Errorf("asking for the rights of who made CertificateSigningRequest %s: %w", request.Name, err)
		}
		if review.Status.Allowed {
			w.granted = r
			return w, nil
		}
		w.refused = append(w.refused, r.subresource)
	}
	return w, nil
}

// undecided reports that nobody has decided about a request, and that its signer is that of kubelets as clients.
func undecided(request *certificatesv1.CertificateSigningRequest) bool {
	approved, denied := signingrequest.Decided(request)
	return !approved && !denied && len(request.Status.Certificate) == 0 &&
		request.Spec.SignerName == certificatesv1.KubeAPIServerClientKubeletSignerName
}
