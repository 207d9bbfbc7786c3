package signer

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/bootstraptoken"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/jws"
	bootstrapsecrets "k8s.io/cluster-bootstrap/util/secrets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are the signatures that tokens make. The tokens themselves stay in Observe.
type world struct{ signatures []signature }

// signature is what one token makes of what is signed.
type signature struct {
	// id is that of the token.
	id, value string
	// left is how long the token is good for yet; 0 means ever.
	left time.Duration
}

// Observe reads the tokens, and signs with each that is good for it.
func (Controller) Observe(ctx context.Context, view loop.View, info *corev1.ConfigMap) (world, error) {
	content, ok := info.Data[bootstrapapi.KubeConfigKey]
	if !ok || !isClusterInfo(info) {
		return world{}, nil
	}
	var secrets corev1.SecretList
	if err := view.List(ctx, &secrets, client.InNamespace(metav1.NamespaceSystem), client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing bootstrap tokens: %w", err)
	}
	var w world
	for i := range secrets.Items {
		s := signature{}
		var token string
		if s.id, token, s.left = signsBy(&secrets.Items[i], view.Now()); token == "" {
			continue
		}
		var err error
		if s.value, err = jws.ComputeDetachedSignature(content, s.id, token); err != nil {
			return world{}, fmt.Errorf("signing ConfigMap %s with bootstrap token %s: %w", clusterInfo, s.id, err)
		}
		w.signatures = append(w.signatures, s)
	}
	return w, nil
}

// signsBy is the token in a Secret, its id, and how long it is good for yet; empty if it is not good for signing.
func signsBy(secret *corev1.Secret, now time.Time) (id, token string, left time.Duration) {
	id, named := bootstrapsecrets.ParseName(secret.Name)
	left, expired := bootstrapsecrets.GetExpiration(secret, now)
	says := func(key string) string { return bootstrapsecrets.GetData(secret, key) }
	if !bootstraptoken.Is(secret) || !named || says(bootstrapapi.BootstrapTokenIDKey) != id || expired ||
		says(bootstrapapi.BootstrapTokenUsageSigningKey) != "true" {
		return "", "", 0
	}
	return id, says(bootstrapapi.BootstrapTokenSecretKey), left
}
