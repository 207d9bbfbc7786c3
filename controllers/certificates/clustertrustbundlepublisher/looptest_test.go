package clustertrustbundlepublisher

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestTheAPIServersCertificatesArePublished lets people spoil, delete and add bundles, under both namings: in the end the API server
// has one as it should be, and that of others is untouched.
func TestTheAPIServersCertificatesArePublished(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop([]byte("certificates"))},
			Start: func(t *rapid.T) []client.Object {
				others := bundle("example.com:signer:mine", "example.com/signer", "mine")
				if rapid.Bool().Draw(t, "had others") {
					return []client.Object{others, bundle("kubernetes.io:kube-apiserver-serving:old", signer, "old")}
				}
				return []client.Object{others}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				name := rapid.SampledFrom([]string{published, "kubernetes.io:kube-apiserver-serving:new"}).Draw(t, "bundle")
				var err error
				switch rapid.IntRange(0, 2).Draw(t, "what") {
				case 0:
					err = w.Client("user").Create(t.Context(), bundle(name, signer, "certificates"))
				case 1:
					err = w.Client("user").Delete(t.Context(), bundle(name, signer, ""))
				default:
					looptest.Edit(w, "user", bundle(name, signer, ""), func(b *certificatesv1.ClusterTrustBundle) { b.Spec.TrustBundle = "mine" })
				}
				if client.IgnoreAlreadyExists(client.IgnoreNotFound(err)) != nil {
					t.Fatal(err)
				}
			},
			Converged: func(w *looptest.World) error {
				bundles := looptest.All[*certificatesv1.ClusterTrustBundle](w)
				if len(bundles) != 2 {
					return fmt.Errorf("there are %d bundles", len(bundles))
				}
				for _, b := range bundles {
					if want := map[string]string{published: "certificates", "example.com:signer:mine": "mine"}[b.Name]; b.Spec.TrustBundle != want {
						return fmt.Errorf("bundle %s holds %q, want %q", b.Name, b.Spec.TrustBundle, want)
					}
				}
				return nil
			},
		})
	})
}
