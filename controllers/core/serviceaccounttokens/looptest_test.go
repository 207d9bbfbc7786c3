package serviceaccounttokens

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestSecretsHoldTokensOfTheirAccounts lets accounts go and come back, and Secrets come and be spoilt, under both namings: none that
// has its account is deleted, and in the end each has a token of it, and none is left without it.
func TestSecretsHoldTokensOfTheirAccounts(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop(Options{Sign: signs, RootCA: []byte("bundle")})},
			Start: func(*rapid.T) []client.Object {
				other := secret("password", "builder", func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque })
				return []client.Object{account("builder", "first"), secret("a", "builder"), secret("b", "deployer"), other}
			},
			Change:     comeGoOrSpoil,
			Invariants: []looptest.Invariant{noneGoesBeforeItsAccount},
			Converged:  eachHasItsToken,
		})
	})
}

func comeGoOrSpoil(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	name := rapid.SampledFrom([]string{"builder", "deployer"}).Draw(t, "account")
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		err = user.Delete(t.Context(), account(name, ""))
	case 1:
		err = user.Create(t.Context(), account(name, ""))
	case 2:
		err = user.Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "more-", Annotations: map[string]string{corev1.ServiceAccountNameKey: name}},
			Type:       corev1.SecretTypeServiceAccountToken,
		})
	default:
		secrets := looptest.All[*corev1.Secret](w)
		looptest.Edit(w, "user", secrets[rapid.IntRange(0, len(secrets)-1).Draw(t, "secret")], func(s *corev1.Secret) {
			delete(s.Data, rapid.SampledFrom([]string{"token", "ca.crt", "namespace"}).Draw(t, "key"))
		})
	}
	if client.IgnoreNotFound(client.IgnoreAlreadyExists(err)) != nil {
		t.Fatal(err)
	}
}

func noneGoesBeforeItsAccount(w *looptest.World, wrote looptest.Write) error {
	went, ok := wrote.Before.(*corev1.Secret)
	if !ok || wrote.After != nil || wrote.By == "user" {
		return nil
	}
	if !holdsToken(went) {
		return fmt.Errorf("Secret %s is none of the loop's, and went", went.Name)
	}
	uid := went.Annotations[corev1.ServiceAccountUIDKey]
	for _, a := range looptest.All[*corev1.ServiceAccount](w) {
		if a.Name == accountName(went) && string(a.UID) == uid {
			return fmt.Errorf("Secret %s went before its account %s", went.Name, a.Name)
		}
	}
	return nil
}

func eachHasItsToken(w *looptest.World) error {
	accounts := map[string]string{}
	for _, a := range looptest.All[*corev1.ServiceAccount](w) {
		accounts[a.Name] = string(a.UID)
	}
	for _, s := range looptest.All[*corev1.Secret](w) {
		uid, exists := accounts[accountName(s)]
		switch {
		case !holdsToken(s):
			if len(s.Data) > 0 {
				return fmt.Errorf("Secret %s is none of the loop's, and has %d keys", s.Name, len(s.Data))
			}
		case !exists:
			return fmt.Errorf("Secret %s is left without its account", s.Name)
		case !strings.HasPrefix(string(s.Data["token"]), "of "+uid+" ") || string(s.Data["ca.crt"]) != "bundle" || string(s.Data["namespace"]) != "default":
			return fmt.Errorf("Secret %s of account %s has %s", s.Name, uid, s.Data)
		}
	}
	return nil
}
