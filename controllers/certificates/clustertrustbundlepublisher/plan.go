package clustertrustbundlepublisher

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan publishes the certificates, and takes back others.
func (c Controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if c.rootCA == "" {
		return p
	}
	name := nameOf(c.rootCA)
	at := slices.IndexFunc(w.bundles, func(b *certificatesv1.ClusterTrustBundle) bool { return b.Name == name })
	if at < 0 {
		p.Create("pods know the API server by it", &certificatesv1.ClusterTrustBundle{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: signer, TrustBundle: c.rootCA},
		})
	} else {
		wanted := w.bundles[at].DeepCopy()
		wanted.Spec.TrustBundle = c.rootCA
		p.Patch("it holds the certificate authority of the API server", w.bundles[at], wanted)
	}
	others := slices.DeleteFunc(slices.Clone(w.bundles), func(b *certificatesv1.ClusterTrustBundle) bool {
		return b.Name == name || b.DeletionTimestamp != nil
	})
	plan.DeleteAll(p, "the API server has other certificates now", others)
	return p
}

// nameOf is the name of the bundle that holds certificates.
func nameOf(certificates string) string {
	sum := sha256.Sum256([]byte(certificates))
	return fmt.Sprintf("%s:%x", strings.ReplaceAll(signer, "/", ":"), sum[:12])
}
