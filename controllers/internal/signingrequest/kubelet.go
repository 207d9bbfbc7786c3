package signingrequest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// CheckKubeletClient says what is wrong with a request for the certificate by which a kubelet is known to the API server; nil if
// nothing is.
func CheckKubeletClient(request *x509.CertificateRequest, usages []certificatesv1.KeyUsage) error {
	switch {
	case !ofNodes(request):
		return errNotOfNodes
	case len(request.DNSNames) > 0:
		return errors.New("DNS subjectAltNames are not allowed")
	case len(request.EmailAddresses) > 0:
		return errNoEmail
	case len(request.IPAddresses) > 0:
		return errors.New("IP subjectAltNames are not allowed")
	case len(request.URIs) > 0:
		return errNoURI
	case !namedAsNode(request):
		return errNotNamedAsNode
	default:
		return checkUsages(usages, certificatesv1.UsageClientAuth)
	}
}

// CheckKubeletServing says what is wrong with a request for the certificate that a kubelet shows to its clients; nil if nothing is.
func CheckKubeletServing(request *x509.CertificateRequest, usages []certificatesv1.KeyUsage) error {
	switch {
	case !ofNodes(request):
		return errNotOfNodes
	case len(request.DNSNames) == 0 && len(request.IPAddresses) == 0:
		return errors.New("DNS or IP subjectAltName is required")
	case len(request.EmailAddresses) > 0:
		return errNoEmail
	case len(request.URIs) > 0:
		return errNoURI
	}
	if err := checkUsages(usages, certificatesv1.UsageServerAuth); err != nil {
		return err
	}
	if !namedAsNode(request) {
		return errNotNamedAsNode
	}
	return nil
}

var (
	errNotOfNodes     = errors.New("subject organization is not system:nodes")
	errNotNamedAsNode = errors.New("subject common name does not begin with system:node:") //nolint:revive,staticcheck // the prefix ends so
	errNoEmail        = errors.New("Email subjectAltNames are not allowed")                //nolint:staticcheck // word for word what Kubernetes says
	errNoURI          = errors.New("URI subjectAltNames are not allowed")
)

func ofNodes(request *x509.CertificateRequest) bool {
	return slices.Equal(request.Subject.Organization, []string{"system:nodes"})
}

func namedAsNode(request *x509.CertificateRequest) bool {
	return strings.HasPrefix(request.Subject.CommonName, "system:node:")
}

// checkUsages holds usages to those that an RSA key needs for a purpose, or to those that another key does.
func checkUsages(usages []certificatesv1.KeyUsage, purpose certificatesv1.KeyUsage) error {
	other := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, purpose}
	rsa := append([]certificatesv1.KeyUsage{certificatesv1.UsageKeyEncipherment}, other...)
	slices.Sort(rsa)
	slices.Sort(other)
	if has := slices.Compact(slices.Sorted(slices.Values(usages))); slices.Equal(has, rsa) || slices.Equal(has, other) {
		return nil
	}
	return fmt.Errorf("usages did not match %v", rsa)
}
