package objects

import (
	"context"
	"fmt"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// PodCertificates requests certificates for pods. The server gives them to its own pods (v1) only, and not to those that are custom
// resources.
type PodCertificates struct {
	client client.Client
}

// NewPodCertificates returns a requester.
func NewPodCertificates(c client.Client) *PodCertificates { return &PodCertificates{client: c} }

// Request asks the signer of a projection for a certificate of the key that signed the stub, and returns the request's name.
func (p *PodCertificates) Request(ctx context.Context, pod *corev1.Pod, source *corev1.PodCertificateProjection, stub []byte) (string, error) {
	account := &corev1.ServiceAccount{}
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: AccountName(pod)}, account); err != nil {
		return "", fmt.Errorf("reading service account %s/%s: %w", pod.Namespace, AccountName(pod), err)
	}
	node := &ocorev1.Node{}
	if err := p.client.Get(ctx, client.ObjectKey{Name: pod.Spec.NodeName}, node); err != nil {
		return "", fmt.Errorf("reading node %s: %w", pod.Spec.NodeName, err)
	}
	request := &certificatesv1.PodCertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, GenerateName: "req-",
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}},
		},
		Spec: certificatesv1.PodCertificateRequestSpec{
			SignerName: source.SignerName, PodName: pod.Name, PodUID: pod.UID,
			ServiceAccountName: account.Name, ServiceAccountUID: account.UID,
			NodeName: types.NodeName(node.Name), NodeUID: node.UID,
			MaxExpirationSeconds: source.MaxExpirationSeconds, StubPKCS10Request: stub, UnverifiedUserAnnotations: source.UserAnnotations,
		},
	}
	if err := p.client.Create(ctx, request); err != nil {
		return "", fmt.Errorf("creating a PodCertificateRequest: %w", err)
	}
	return request.Name, nil
}

// Read reads a request as it is now.
func (p *PodCertificates) Read(ctx context.Context, namespace, name string) (*certificatesv1.PodCertificateRequest, error) {
	request := &certificatesv1.PodCertificateRequest{}
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, request); err != nil {
		return nil, fmt.Errorf("reading PodCertificateRequest %s/%s: %w", namespace, name, err)
	}
	return request, nil
}
