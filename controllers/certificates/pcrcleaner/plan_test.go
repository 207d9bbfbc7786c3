package pcrcleaner

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func request(name string, created metav1.Time, changes ...func(*certificatesv1.PodCertificateRequest)) *certificatesv1.PodCertificateRequest {
	r := &certificatesv1.PodCertificateRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, CreationTimestamp: created}}
	for _, change := range changes {
		change(r)
	}
	return r
}

func TestPlan(t *testing.T) {
	signed := func(r *certificatesv1.PodCertificateRequest) { r.Status.CertificateChain = "x" }
	for _, tt := range []struct {
		name    string
		request *certificatesv1.PodCertificateRequest
		want    string
	}{
		{"a new one is kept", request("a", gen.Ago(time.Minute)), "nothing to do\nlook again in 14m0s: it is kept for 15m"},
		{"it goes after a quarter of an hour", request("a", gen.Ago(15*time.Minute)), "delete PodCertificateRequest default/a: it was made 15m ago"},
		{"whatever came of it", request("a", gen.Ago(time.Hour), signed), "delete PodCertificateRequest default/a: it was made 15m ago"},
		{"one that is being deleted is left alone", request("a", gen.Ago(time.Hour), gen.Deleted[*certificatesv1.PodCertificateRequest]), "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{}).Plan(tt.request, world{}, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}
