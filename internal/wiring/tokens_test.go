package wiring_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// What the loop puts into a Secret is good for the API server, until the account goes and takes it along.
func TestTheTokenInASecretIsGoodForAsLongAsItsAccount(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, Logger: logr.Discard()})
	c, err := wiring.Own(server, identity.ControllerCache, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	controllers, err := wiring.NewControllers(c, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}})
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, controllers, func() {})
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	admin := kubernetes.NewForConfigOrDie(testserver.Config(t, server, identity.Admin)).CoreV1()
	builder := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "builder"}}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "token", Annotations: map[string]string{corev1.ServiceAccountNameKey: "builder"}},
		Type:       corev1.SecretTypeServiceAccountToken,
	}
	_, accountErr := admin.ServiceAccounts("default").Create(t.Context(), builder, metav1.CreateOptions{})
	_, secretErr := admin.Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{})
	if err := errors.Join(accountErr, secretErr); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the Secret to have a token", func() (string, bool) {
		secret, err = admin.Secrets("default").Get(t.Context(), "token", metav1.GetOptions{})
		return fmt.Sprint(err), err == nil && len(secret.Data[corev1.ServiceAccountTokenKey]) > 0
	})
	if string(secret.Data["namespace"]) != "default" || string(secret.Data["ca.crt"]) != string(server.CA()) {
		t.Errorf("beside the token are namespace %q and certificates\n%s", secret.Data["namespace"], secret.Data["ca.crt"])
	}

	config := &rest.Config{
		Host: server.URL(), BearerToken: string(secret.Data["token"]), TLSClientConfig: rest.TLSClientConfig{CAData: secret.Data["ca.crt"]},
	}
	holder := kubernetes.NewForConfigOrDie(config).AuthenticationV1().SelfSubjectReviews()
	await.Until(t, "the server to have seen the Secret, and to know who has the token", func() (string, bool) {
		review, err := holder.Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			return err.Error(), false
		}
		return review.Status.String(), review.Status.UserInfo.Username == "system:serviceaccount:default:builder"
	})

	if err := admin.ServiceAccounts("default").Delete(t.Context(), "builder", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the Secret to go with its account", func() (string, bool) {
		_, err := admin.Secrets("default").Get(t.Context(), "token", metav1.GetOptions{})
		return fmt.Sprint(err), apierrors.IsNotFound(err)
	})
	await.Until(t, "the token to be refused", func() (string, bool) {
		_, err := holder.Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		return fmt.Sprint(err), apierrors.IsUnauthorized(err)
	})
}

// A loop that signs runs where somebody here has its key.
func TestOnlyWhoHasAKeySigns(t *testing.T) {
	t.Parallel()
	nobody := ownCluster(t)
	authority := nobody
	authority.SignCertificate = func(*x509.Certificate, crypto.PublicKey) ([]byte, error) { return nil, nil }
	for _, c := range []struct {
		name                 string
		cluster              wiring.Cluster
		tokens, certificates bool
	}{
		{"without a key", nobody, false, false},
		{"with that of the authority", authority, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var loops []string
			_, err := wiring.NewControllers(c.cluster, wiring.ControllersOptions{
				Loops: wiring.Loops{Cluster: true}, Inspect: func(i engine.Inspector) { loops = append(loops, i.Name()) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(loops, "serviceaccount-controller") || slices.Contains(loops, "serviceaccount-token-controller") != c.tokens ||
				slices.Contains(loops, "certificatesigningrequest-signing-controller") != c.certificates {
				t.Errorf("the loops are %v", loops)
			}
		})
	}
}
