package tokencleaner

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func token(name string, changes ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "bootstrap-token-" + name},
		Type:       "bootstrap.kubernetes.io/token",
	}
	for _, change := range changes {
		change(s)
	}
	return s
}

func expires(when string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Data = map[string][]byte{"expiration": []byte(when)} }
}

func TestPlan(t *testing.T) {
	at := func(d time.Duration) func(*corev1.Secret) { return expires(gen.Now.Add(d).Format(time.RFC3339)) }
	const gone = "delete Secret kube-system/bootstrap-token-abcdef: it has expired"
	for _, tt := range []struct {
		name   string
		secret *corev1.Secret
		want   string
	}{
		{"one that is good stays until it expires", token("abcdef", at(time.Hour)), "nothing to do\nlook again in 1h0m0s: it expires then"},
		{"and goes then", token("abcdef", at(0)), gone},
		{"one that does not say when goes", token("abcdef", expires("tomorrow")), gone},
		{"one that does not expire stays", token("abcdef"), "nothing to do"},
		{"one that is being deleted is left alone", token("abcdef", at(0), gen.Deleted[*corev1.Secret]), "nothing to do"},
		{"so is another Secret", token("abcdef", at(0), func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }), "nothing to do"},
		{"and one of another namespace", token("abcdef", at(0), func(s *corev1.Secret) { s.Namespace = "default" }), "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{}).Plan(tt.secret, world{}, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}
