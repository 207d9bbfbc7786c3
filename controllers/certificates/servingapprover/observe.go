package servingapprover

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// apiService is the Service of the API server.
const apiService = "kubernetes"

// world is all that counts for a request.
type world struct {
	// asked is what the certificate is to say; nil where the request is not for this loop.
	asked *x509.CertificateRequest
	// node is the node that it names.
	node string
	// may says that who made the request has the right to be approved.
	may bool
	// nodes has the addresses of all Nodes, by name, and server those of the API server.
	nodes  map[string][]string
	server []string
}

// Observe reads the addresses that a request is held to, and asks the API server for the rights of who made it.
func (Controller) Observe(ctx context.Context, view loop.View, request *certificatesv1.CertificateSigningRequest) (world, error) {
	if !undecided(request) {
		return world{}, nil
	}
	asked, err := signingrequest.Parse(request.Spec.Request)
	if err != nil { // the API server lets none of these in
		return world{}, plan.Stop(fmt.Errorf("parsing what CertificateSigningRequest %s asks for: %w", request.Name, err))
	}
	if signingrequest.CheckKubeletServing(asked, request.Spec.Usages) != nil {
		return world{}, nil //nolint:nilerr // the signer says what is wrong with it
	}
	w := world{asked: asked, node: strings.TrimPrefix(asked.Subject.CommonName, "system:node:")}
	if request.Spec.Username != asked.Subject.CommonName {
		return w, nil
	}
	review := signingrequest.Review(request, "selfnodeserver")
	if err := view.Review(ctx, review); err != nil {
		return world{}, fmt.Errorf("asking for the rights of who made CertificateSigningRequest %s: %w", request.Name, err)
	}
	if w.may = review.Status.Allowed; !w.may {
		return w, nil
	}
	if w.nodes, err = addressesOfNodes(ctx, view); err != nil {
		return world{}, err
	}
	w.server, err = addressesOfServer(ctx, view)
	return w, err
}

func addressesOfNodes(ctx context.Context, view loop.View) (map[string][]string, error) {
	var nodes ocorev1.NodeList
	if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Nodes: %w", err)
	}
	all := map[string][]string{}
	for i := range nodes.Items {
		node := &nodes.Items[i]
		all[node.Name] = []string{}
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP || address.Type == corev1.NodeExternalIP {
				all[node.Name] = append(all[node.Name], address.Address)
			}
		}
	}
	return all, nil
}

func addressesOfServer(ctx context.Context, view loop.View) ([]string, error) {
	var service ocorev1.Service
	err := view.Get(ctx, client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: apiService}, &service)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading the Service of the API server: %w", err)
	}
	all := append([]string{service.Spec.ClusterIP}, service.Spec.ClusterIPs...)
	var slices odiscoveryv1.EndpointSliceList
	err = view.List(ctx, &slices, client.UnsafeDisableDeepCopy,
		client.InNamespace(metav1.NamespaceDefault), client.MatchingLabels{discoveryv1.LabelServiceName: apiService})
	if err != nil {
		return nil, fmt.Errorf("listing the endpoints of the API server: %w", err)
	}
	for i := range slices.Items {
		for _, endpoint := range slices.Items[i].Endpoints {
			all = append(all, endpoint.Addresses...)
		}
	}
	return all, nil
}

// undecided reports that nobody has decided about a request, and that its signer is that of kubelets as servers.
func undecided(request *certificatesv1.CertificateSigningRequest) bool {
	approved, denied := signingrequest.Decided(request)
	return !approved && !denied && len(request.Status.Certificate) == 0 &&
		request.Spec.SignerName == certificatesv1.KubeletServingSignerName
}
