package signer

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cluster-bootstrap/token/jws"
)

// info is the ConfigMap with some data.
func info(data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: clusterInfo.Namespace, Name: clusterInfo.Name}, Data: data}
}

// token is a Secret with a token that is good for signing.
func token(id string, changes ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "bootstrap-token-" + id},
		Type:       "bootstrap.kubernetes.io/token",
		Data: map[string][]byte{
			"token-id": []byte(id), "token-secret": []byte("0123456789abcdef"), "usage-bootstrap-signing": []byte("true"),
		},
	}
	for _, change := range changes {
		change(s)
	}
	return s
}

func says(key, value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Data[key] = []byte(value) }
}

func expires(when time.Time) func(*corev1.Secret) {
	return says("expiration", when.Format(time.RFC3339))
}

func decide(t *testing.T, info *corev1.ConfigMap, tokens ...*corev1.Secret) string {
	t.Helper()
	stored := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
	for _, s := range tokens {
		stored.Put(s)
	}
	w, err := Controller{}.Observe(t.Context(), loop.NewView(stored.Client("signer"), nil, gen.Now), info)
	if err != nil {
		t.Fatal(err)
	}
	return Controller{}.Plan(info, w, gen.Now).String()
}

func TestPlan(t *testing.T) {
	content := map[string]string{"kubeconfig": "where to go"}
	const taken = `patch ConfigMap kube-public/cluster-info {"data":{"jws-kubeconfig-abcdef":null}}: 0 bootstrap tokens sign it`
	signature, err := jws.ComputeDetachedSignature("where to go", "abcdef", "0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	signed := map[string]string{"kubeconfig": "where to go", "jws-kubeconfig-abcdef": signature}
	for _, tt := range []struct {
		name   string
		data   map[string]string
		tokens []*corev1.Secret
		want   string
	}{
		{"it is signed with a token", content, []*corev1.Secret{token("abcdef")},
			`patch ConfigMap kube-public/cluster-info {"data":{"jws-kubeconfig-abcdef":"` + signature + `"}}: 1 bootstrap tokens sign it`},
		{"once", signed, []*corev1.Secret{token("abcdef")}, "nothing to do"},
		{"until the token expires", signed, []*corev1.Secret{token("abcdef", expires(gen.Now.Add(time.Hour)))},
			"nothing to do\nlook again in 1h0m0s: bootstrap token abcdef expires then"},
		{"and then no more", signed, []*corev1.Secret{token("abcdef", expires(gen.Now))}, taken},
		{"nor when the token is gone", signed, nil, taken},
		{"nor when it cannot be read when it expires", signed, []*corev1.Secret{token("abcdef", says("expiration", "tomorrow"))}, taken},
		{"nor with a token that is for something else", signed, []*corev1.Secret{token("abcdef", says("usage-bootstrap-signing", "false"))}, taken},
		{"nor with one that is empty", signed, []*corev1.Secret{token("abcdef", says("token-secret", ""))}, taken},
		{"nor with one whose Secret has the name of another", signed, []*corev1.Secret{token("abcdef", says("token-id", "ghijkl"))}, taken},
		{"nor with one whose Secret has no such name", signed, []*corev1.Secret{token("abc", says("token-id", "abc"))}, taken},
		{"nor with one of another namespace", signed, []*corev1.Secret{token("abcdef", func(s *corev1.Secret) { s.Namespace = "default" })}, taken},
		{"nor with one of another type", signed, []*corev1.Secret{token("abcdef", func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque })}, taken},
		{"where there is nothing to sign, nothing is taken away", map[string]string{"jws-kubeconfig-abcdef": "x"}, nil, "nothing to do"},
		{"what is spoilt is put right", map[string]string{"kubeconfig": "where to go", "jws-kubeconfig-abcdef": "x"}, []*corev1.Secret{token("abcdef")},
			`patch ConfigMap kube-public/cluster-info {"data":{"jws-kubeconfig-abcdef":"` + signature + `"}}: 1 bootstrap tokens sign it`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(t, info(maps.Clone(tt.data)), tt.tokens...); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestNoOtherConfigMapIsSigned(t *testing.T) {
	other := info(map[string]string{"kubeconfig": "where to go"})
	other.Namespace = "default"
	if got := decide(t, other, token("abcdef")); got != "nothing to do" {
		t.Errorf("the plan is %s", got)
	}
}

func TestNoPlanTellsAToken(t *testing.T) {
	plan := decide(t, info(map[string]string{"kubeconfig": "where to go"}), token("abcdef"), token("ghijkl"))
	if strings.Contains(plan, "0123456789abcdef") || !strings.Contains(plan, "2 bootstrap tokens") {
		t.Errorf("the plan is %s", plan)
	}
}
