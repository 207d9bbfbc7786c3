package objects

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Token is a service account token and when it is over.
type Token struct {
	Value   string
	Expires time.Time
}

// Tokens requests tokens that are bound to pods.
type Tokens struct {
	client client.Client
	// kind and apiVersion name pods to the server.
	apiVersion string
}

// NewTokens returns a requester. apiVersion is that of pods; the server binds tokens to its own pods (v1) only, so a token for a
// pod that is a custom resource is bound to its service account alone.
func NewTokens(c client.Client, apiVersion string) *Tokens {
	return &Tokens{client: c, apiVersion: apiVersion}
}

// Request asks for a token of the pod's service account. No audience means the API server's own.
func (t *Tokens) Request(ctx context.Context, pod *corev1.Pod, audience string, expiration time.Duration) (Token, error) {
	seconds := int64(expiration / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	if t.apiVersion == "v1" {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: AccountName(pod)}}
	if err := t.client.SubResource("token").Create(ctx, account, request); err != nil {
		return Token{}, fmt.Errorf("requesting a token of service account %s/%s: %w", account.Namespace, account.Name, err)
	}
	return Token{Value: request.Status.Token, Expires: request.Status.ExpirationTimestamp.Time}, nil
}

// AccountName is the pod's service account.
func AccountName(pod *corev1.Pod) string {
	if pod.Spec.ServiceAccountName != "" {
		return pod.Spec.ServiceAccountName
	}
	return "default"
}
