package legacytokencleaner

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const day = 24 * time.Hour

// token is one that was made for the ServiceAccount builder by itself, two years ago.
func token(name string, changes ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, CreationTimestamp: gen.Ago(2 * unused),
			Annotations: map[string]string{corev1.ServiceAccountNameKey: "builder"},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	for _, change := range changes {
		change(s)
	}
	return s
}

func created(at metav1.Time) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.CreationTimestamp = at }
}

func labelled(key, value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { metav1.SetMetaDataLabel(&s.ObjectMeta, key, value) }
}

// on is the day that was some time ago.
func on(ago time.Duration) string { return gen.Now.Add(-ago).Format(time.DateOnly) }

func TestPlan(t *testing.T) {
	const (
		marked = `patch Secret default/t {"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":"2030-01-02"}}}: nobody has used it for a year` +
			"\nlook again in 24h0m0s: it goes when it has been invalid for a year"
		later = "\nlook again in 24h0m0s: it may be unused by then"
	)
	known := world{tracked: gen.Now.Add(-unused), automatic: true}
	for _, tt := range []struct {
		name   string
		secret *corev1.Secret
		world  world
		want   string
	}{
		{"one that nobody has used becomes invalid", token("t"), known, marked},
		{"so does one that somebody used long ago", token("t", labelled(lastUsed, on(unused+day))), known, marked},
		{"one that was used a year ago today is kept", token("t", labelled(lastUsed, on(unused))), known, "nothing to do: it has been used in the last year" + later},
		{"one of which that cannot be read is kept", token("t", labelled(lastUsed, "never")), known, "nothing to do: it cannot be read when it was used last" + later},
		{"one that is a year old is kept", token("t", created(gen.Ago(unused))), known, "nothing to do: it is not a year old" + later},
		{"one that is used by a pod is kept", token("t"), world{tracked: known.tracked, automatic: true, pod: "web"}, "nothing to do: pod web refers to it" + later},
		{"one that somebody asked for is kept", token("t"), world{tracked: known.tracked}, "nothing to do: no ServiceAccount lists it, so somebody asked for it" + later},
		{"none is touched before a year is known", token("t"), world{tracked: gen.Now.Add(-unused + 1), automatic: true},
			"nothing to do: the API server has not noted for long enough who uses tokens" + later},
		{"nor where it is not known since when", token("t"), world{automatic: true},
			"nothing to do: the API server does not say since when it notes who uses tokens" + later},
		{"an invalid one stays for a year", token("t", labelled(invalidSince, on(unused))), known,
			"nothing to do: it is invalid, and goes when it has been for a year\nlook again in 24h0m0s: it may have been by then"},
		{"and goes then", token("t", labelled(invalidSince, on(unused+day))), known, "delete Secret default/t: it has been invalid for a year"},
		{"but not while a pod uses it", token("t", labelled(invalidSince, on(unused+day))), world{tracked: known.tracked, automatic: true, pod: "web"},
			"nothing to do: pod web refers to it" + later},
		{"what is invalid since no day is from now on", token("t", labelled(invalidSince, "x")), known, marked},
		{"one that is being deleted is left alone", token("t", gen.Deleted[*corev1.Secret]), known, "nothing to do"},
		{"so is another Secret", token("t", func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }), known, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{}).Plan(tt.secret, tt.world, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
