package serviceaccounttokens

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
)

// signs is a signature that tells whose it is.
func signs(_ context.Context, account *corev1.ServiceAccount, secret *corev1.Secret) (string, error) {
	return "of " + string(account.UID) + " in " + secret.Name, nil
}

func account(name string, uid types.UID) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: uid}}
}

func secret(name, account string, changes ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), Annotations: map[string]string{corev1.ServiceAccountNameKey: account},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	for _, change := range changes {
		change(s)
	}
	return s
}

func has(key, value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) {
		if s.Data == nil {
			s.Data = map[string][]byte{}
		}
		s.Data[key] = []byte(value)
	}
}

func TestPlan(t *testing.T) {
	token, ca, namespace := has("token", "x"), has("ca.crt", "bundle"), has("namespace", "default")
	builder := account("builder", "1")
	for _, tt := range []struct {
		name    string
		secret  *corev1.Secret
		account *corev1.ServiceAccount
		want    string
	}{
		{"a new Secret is filled", secret("t", "builder"), builder,
			"fill Secret default/t with token, ca.crt, namespace: it is for a token of ServiceAccount builder"},
		{"one that is full is left alone", secret("t", "builder", token, ca, namespace), builder, "nothing to do"},
		{"a token that was taken out is replaced", secret("t", "builder", ca, namespace), builder,
			"fill Secret default/t with token: it is for a token of ServiceAccount builder"},
		{"other certificates are put right", secret("t", "builder", token, has("ca.crt", "old"), namespace), builder,
			"fill Secret default/t with ca.crt: it is for a token of ServiceAccount builder"},
		{"another namespace is what somebody wants", secret("t", "builder", token, ca, has("namespace", "mine")), builder, "nothing to do"},
		{"one without its account goes", secret("t", "builder", token, ca, namespace), nil,
			"delete Secret default/t: its ServiceAccount builder does not exist"},
		{"one that is being deleted is left alone", secret("t", "builder", gen.Deleted[*corev1.Secret]), nil, "nothing to do"},
		{"so is a Secret of another type", secret("t", "builder", func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }), nil, "nothing to do"},
		{"and one that names no account", secret("t", ""), nil, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Controller{Options{Sign: signs, RootCA: []byte("bundle")}}
			if got := c.Plan(tt.secret, world{tt.account}, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoCertificatesArePublishedWhereThereAreNone(t *testing.T) {
	full := secret("t", "builder", has("token", "x"), has("namespace", "default"))
	if p := (Controller{Options{Sign: signs}}).Plan(full, world{account("builder", "1")}, gen.Now); !p.Empty() {
		t.Errorf("the plan is %s", p)
	}
}

func TestWhatASecretIsFilledWith(t *testing.T) {
	step := fill{
		Options: Options{Sign: signs, RootCA: []byte("bundle")}, secret: secret("t", "builder"), account: account("builder", "1"),
		lacks: []string{"token", "ca.crt", "namespace"},
	}
	filled, err := step.filled(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"token": "of 1 in t", "ca.crt": "bundle", "namespace": "default"} {
		if got := string(filled.Data[key]); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if uid := filled.Annotations[corev1.ServiceAccountUIDKey]; uid != "1" {
		t.Errorf("the account's UID is %q", uid)
	}
}

func TestAKeyThatDoesNotSignFillsNothing(t *testing.T) {
	refused := errors.New("the key is locked")
	step := fill{
		Options: Options{Sign: func(context.Context, *corev1.ServiceAccount, *corev1.Secret) (string, error) { return "", refused }},
		secret:  secret("t", "builder"), account: account("builder", "1"), lacks: []string{"token"},
	}
	if filled, err := step.filled(t.Context()); filled != nil || !errors.Is(err, refused) {
		t.Errorf("the Secret is %v, and the error %v", filled, err)
	}
}
