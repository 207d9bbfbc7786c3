package serviceaccounttokens

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options are what tokens are made of, and what lies beside them.
type Options struct {
	// Sign signs the token of a ServiceAccount that is kept in a Secret, so that the API server knows the account by it. A loop
	// without it can be asked for its plans, but not be run.
	Sign func(ctx context.Context, account *corev1.ServiceAccount, secret *corev1.Secret) (string, error)
	// RootCA are the certificates, in PEM, by which the API server is known. Empty means that none are put into the Secrets.
	RootCA []byte
}

// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;patch;delete

// Controller decides for Secrets.
type Controller struct{ Options }

var _ loop.Controller[*corev1.Secret, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("serviceaccount-token-controller", Controller{options},
		loop.When(predicate.NewPredicateFuncs(holdsToken)),
		loop.Watches(secretsOf, loop.Update(func(was, is *corev1.ServiceAccount) bool { return was.UID != is.UID })),
	)
}

// holdsToken reports that a Secret is for the token of a ServiceAccount.
func holdsToken(obj client.Object) bool {
	secret, ok := obj.(*corev1.Secret)
	return ok && secret.Type == corev1.SecretTypeServiceAccountToken && accountName(secret) != ""
}

func accountName(secret *corev1.Secret) string {
	return secret.Annotations[corev1.ServiceAccountNameKey]
}

// secretsOf names the Secrets for tokens of a ServiceAccount.
func secretsOf(ctx context.Context, read client.Reader, account *corev1.ServiceAccount) ([]client.ObjectKey, error) {
	var secrets corev1.SecretList
	if err := read.List(ctx, &secrets, client.InNamespace(account.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Secrets of namespace %s: %w", account.Namespace, err)
	}
	var keys []client.ObjectKey
	for i := range secrets.Items {
		if secret := &secrets.Items[i]; holdsToken(secret) && accountName(secret) == account.Name {
			keys = append(keys, client.ObjectKeyFromObject(secret))
		}
	}
	return keys, nil
}
