package bootstraptoken

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/fake"
	"pgregory.net/rapid"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

const given = "abcdef.0123456789abcdef"

func usual() Options {
	return Options{TTL: DefaultTTL, Usages: Usages(), Groups: []string{"system:bootstrappers:kubeadm:default-node-token"}}
}

// stored is the Secret as the API server has it, which writes what is text as data.
func stored(t Token) *corev1.Secret {
	secret := t.Secret()
	secret.Data = map[string][]byte{}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
	return secret
}

func TestWhatIsKeptIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := usual()
		o.TTL = time.Duration(rapid.IntRange(0, 1e6).Draw(t, "seconds")) * time.Second
		o.Description = rapid.String().Draw(t, "description")
		o.Usages = Usages()[rapid.IntRange(0, 1).Draw(t, "first usage"):]
		want, err := New(o, noon)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Of(stored(want))
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Fatalf("-made +read:\n%s", diff)
		}
	})
}

func TestTheSecretIsKubernetes(t *testing.T) {
	o := usual()
	o.Token, o.Description = given, "for the attic"
	token, err := New(o, noon)
	if err != nil {
		t.Fatal(err)
	}
	secret := token.Secret()
	if secret.Name != "bootstrap-token-abcdef" || secret.Namespace != "kube-system" || secret.Type != "bootstrap.kubernetes.io/token" {
		t.Errorf("the Secret is %s/%s of type %s", secret.Namespace, secret.Name, secret.Type)
	}
	want := map[string]string{
		"token-id": "abcdef", "token-secret": "0123456789abcdef", "description": "for the attic", "expiration": "2026-01-02T12:00:00Z",
		"usage-bootstrap-signing": "true", "usage-bootstrap-authentication": "true",
		"auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
	}
	if diff := cmp.Diff(want, secret.StringData); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	o.TTL = 0
	if token, err = New(o, noon); err != nil || token.Expires != nil {
		t.Errorf("a token for ever expires at %v (%v)", token.Expires, err)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Options)
		says   string
	}{
		{"a token that is too short", func(o *Options) { o.Token = "abcdef.0123" }, "6 and then 16"},
		{"a time that is over", func(o *Options) { o.TTL = -time.Hour }, "--ttl -1h0m0s"},
		{"no usage", func(o *Options) { o.Usages = nil }, "want signing or authentication"},
		{"an unknown usage", func(o *Options) { o.Usages = []string{"signing", "cooking"} }, "--usages signing,cooking"},
		{"a group of others", func(o *Options) { o.Groups = []string{"system:masters"} }, "--groups system:masters"},
	} {
		o := usual()
		tt.change(&o)
		_, err := New(o, noon)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: the error is %v, want %q in it", tt.name, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), ".0123") {
			t.Errorf("%s: the error tells the token: %v", tt.name, err)
		}
	}
}

func TestASecretThatNobodyCouldUseIsNoToken(t *testing.T) {
	token, err := New(usual(), noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*corev1.Secret){
		"of another name":         func(s *corev1.Secret) { s.Name = "token" },
		"with the id of another":  func(s *corev1.Secret) { s.Data["token-id"] = []byte("zzzzzz") },
		"without what is secret":  func(s *corev1.Secret) { delete(s.Data, "token-secret") },
		"that expires at no time": func(s *corev1.Secret) { s.Data["expiration"] = []byte("tomorrow") },
	} {
		secret := stored(token)
		spoil(secret)
		if got, ok := Of(secret); ok {
			t.Errorf("a Secret %s is token %v", name, got)
		}
	}
}

func TestTokensComeAndGo(t *testing.T) {
	api, ctx := fake.NewClientset(), context.Background()
	o := usual()
	o.Token = given
	token, err := New(o, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.CoreV1().Secrets("kube-system").Create(ctx, stored(token), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Create(ctx, api, token); err == nil || !strings.Contains(err.Error(), "is there already") || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("the same token again: %v", err)
	}
	if all, err := List(ctx, api); err != nil || len(all) != 1 || all[0].Token != given {
		t.Errorf("the tokens are %v (%v)", all, err)
	}
	for _, named := range []string{"abcdef", given} {
		if id, err := IDOf(named); err != nil || id != "abcdef" {
			t.Errorf("the id of %s is %q (%v)", named, id, err)
		}
	}
	for _, named := range []string{"", "abc", "ABCDEF", "abcdef.", "abcdef.0123"} {
		if id, err := IDOf(named); err == nil {
			t.Errorf("the id of %q is %q", named, id)
		}
	}
	if err := Delete(ctx, api, "abcdef"); err != nil {
		t.Error(err)
	}
	if err := Delete(ctx, api, "abcdef"); err == nil || !strings.Contains(err.Error(), "there is no token with the id abcdef") {
		t.Errorf("a token that is gone: %v", err)
	}
	if _, err := ClusterInfo(ctx, api); err == nil || !strings.Contains(err.Error(), "orrery up --bind-address 0.0.0.0") {
		t.Errorf("without cluster-info: %v", err)
	}
}
