package serviceaccounttokens

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is whose token a Secret holds.
type world struct {
	// account is the ServiceAccount; nil if it does not exist.
	account *corev1.ServiceAccount
}

// Observe reads the ServiceAccount of a Secret; from the API server where the cache does not have it, because a Secret is often made
// right after its account, and is lost without it.
func (Controller) Observe(ctx context.Context, view loop.View, secret *corev1.Secret) (world, error) {
	if !holdsToken(secret) {
		return world{}, nil
	}
	for _, read := range []client.Reader{view, view.Live()} {
		account, err := accountOf(ctx, read, secret)
		if account != nil || err != nil {
			return world{account}, err
		}
	}
	return world{}, nil
}

// accountOf is the ServiceAccount of a Secret; nil if it does not exist, or if it is not the one that the Secret was filled for.
func accountOf(ctx context.Context, read client.Reader, secret *corev1.Secret) (*corev1.ServiceAccount, error) {
	account := &corev1.ServiceAccount{}
	key := client.ObjectKey{Namespace: secret.Namespace, Name: accountName(secret)}
	switch err := read.Get(ctx, key, account); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading ServiceAccount %s: %w", key, err)
	}
	if uid := types.UID(secret.Annotations[corev1.ServiceAccountUIDKey]); uid != "" && uid != account.UID {
		return nil, nil
	}
	return account, nil
}
