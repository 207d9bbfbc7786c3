package clustertrustbundlepublisher

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// published is what the bundle of "certificates" is called.
const published = "kubernetes.io:kube-apiserver-serving:f78c06aa55a0e2d18b565388"

func bundle(name, of, holds string, changes ...func(*certificatesv1.ClusterTrustBundle)) *certificatesv1.ClusterTrustBundle {
	b := &certificatesv1.ClusterTrustBundle{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: of, TrustBundle: holds},
	}
	for _, change := range changes {
		change(b)
	}
	return b
}

func TestPlan(t *testing.T) {
	old := bundle("kubernetes.io:kube-apiserver-serving:old", signer, "old")
	for _, tt := range []struct {
		name    string
		holds   string
		bundles []*certificatesv1.ClusterTrustBundle
		want    string
	}{
		{"certificates are published", "certificates", nil, "create ClusterTrustBundle " + published + ": pods know the API server by it"},
		{"once", "certificates", []*certificatesv1.ClusterTrustBundle{bundle(published, signer, "certificates")}, "nothing to do"},
		{"what somebody spoils is put right", "certificates", []*certificatesv1.ClusterTrustBundle{bundle(published, signer, "mine")},
			"patch ClusterTrustBundle " + published + ` {"spec":{"trustBundle":"certificates"}}: it holds the certificate authority of the API server`},
		{"old ones go when the new one is there", "certificates", []*certificatesv1.ClusterTrustBundle{old},
			"create ClusterTrustBundle " + published + ": pods know the API server by it\n" +
				"delete ClusterTrustBundle kubernetes.io:kube-apiserver-serving:old: the API server has other certificates now"},
		{"those that are going are left alone", "certificates", []*certificatesv1.ClusterTrustBundle{
			bundle(published, signer, "certificates"), bundle("b", signer, "x", gen.Deleted[*certificatesv1.ClusterTrustBundle]),
		}, "nothing to do"},
		{"without certificates nothing changes", "", []*certificatesv1.ClusterTrustBundle{old}, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{rootCA: tt.holds}).Plan(loop.All, world{tt.bundles}, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestOtherCertificatesHaveAnotherName(t *testing.T) {
	if a, b := nameOf("a"), nameOf("b"); a == b || !strings.HasPrefix(a, "kubernetes.io:kube-apiserver-serving:") {
		t.Errorf("the names are %s and %s", a, b)
	}
}
