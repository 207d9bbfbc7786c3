package bootstraptoken

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/identity"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// Create writes a token.
func Create(ctx context.Context, api kubernetes.Interface, t Token) error {
	_, err := api.CoreV1().Secrets(metav1.NamespaceSystem).Create(ctx, t.Secret(), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a token with the id %s is there already: choose another, or delete it with 'orrery token delete %s'", t.ID(), t.ID())
	}
	if err != nil {
		return fmt.Errorf("writing bootstrap token %s: %w", t.ID(), err)
	}
	return nil
}

// List reads all tokens, sorted by their ids.
func List(ctx context.Context, api kubernetes.Interface) ([]Token, error) {
	tokens := []Token{}
	secrets, err := api.CoreV1().Secrets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("type", string(bootstrapapi.SecretTypeBootstrapToken)).String(),
	})
	if err != nil {
		return nil, fmt.Errorf("listing bootstrap tokens: %w", err)
	}
	for i := range secrets.Items {
		if t, ok := Of(&secrets.Items[i]); ok {
			tokens = append(tokens, t)
		}
	}
	slices.SortFunc(tokens, func(a, b Token) int { return strings.Compare(a.Token, b.Token) })
	return tokens, nil
}

// IDOf is the id of a token that a person named, by it or by all of the token. The error does not repeat what may be a secret.
func IDOf(named string) (string, error) {
	id, _, whole := strings.Cut(named, ".")
	if !bootstraputil.IsValidBootstrapTokenID(id) || whole && !bootstraputil.IsValidBootstrapToken(named) {
		return "", fmt.Errorf("what was given is neither a token nor the id of one: want 6 lower-case letters and digits, as 'orrery token list' shows them before the full stop")
	}
	return id, nil
}

// Delete deletes the token with an id.
func Delete(ctx context.Context, api kubernetes.Interface, id string) error {
	err := api.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, bootstraputil.BootstrapTokenSecretName(id), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no token with the id %s: 'orrery token list' lists them", id)
	}
	if err != nil {
		return fmt.Errorf("deleting bootstrap token %s: %w", id, err)
	}
	return nil
}

// Signs reports that the ConfigMap cluster-info bears the signature of a token.
func Signs(info *corev1.ConfigMap, id string) bool {
	return info.Data[bootstrapapi.JWSSignatureKeyPrefix+id] != ""
}

// ClusterInfo reads the ConfigMap cluster-info.
func ClusterInfo(ctx context.Context, api kubernetes.Interface) (*corev1.ConfigMap, error) {
	info, err := api.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, identity.ClusterInfo, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("no machine could join: the cluster has no ConfigMap %s/%s. Start the control plane so that others reach it, as in 'orrery up --bind-address 0.0.0.0'",
			metav1.NamespacePublic, identity.ClusterInfo)
	}
	if err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s/%s: %w", metav1.NamespacePublic, identity.ClusterInfo, err)
	}
	return info, nil
}
