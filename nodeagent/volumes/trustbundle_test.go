package volumes

import (
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

// bundle is a ClusterTrustBundle of certificates, which are words here.
func bundle(name, signer, tier string, certificates ...string) *certificatesv1.ClusterTrustBundle {
	var text strings.Builder
	for _, c := range certificates {
		text.WriteString("a comment\n")
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"is": "dropped"}, Bytes: []byte(c)}))
	}
	return &certificatesv1.ClusterTrustBundle{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"tier": tier}},
		Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: signer, TrustBundle: text.String()},
	}
}

// words are the certificates in a file.
func words(data []byte) (all []string) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		all = append(all, string(block.Bytes))
	}
	return all
}

func TestTrustAnchors(t *testing.T) {
	data := source{bundles: []*certificatesv1.ClusterTrustBundle{
		bundle("alone", "", "", "root"),
		bundle("s:1", "s", "front", "one", "both"),
		bundle("s:2", "s", "back", "two", "both"),
		bundle("t:1", "t", "front", "other"),
	}}
	m := New(Options{TrustBundles: data, Clock: testingclock.NewFakeClock(now)})
	tier := func(value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"tier": value}}
	}
	for _, test := range []struct {
		name   string
		source corev1.ClusterTrustBundleProjection
		want   string
	}{
		{"one by its name", corev1.ClusterTrustBundleProjection{Name: ptr.To("alone")}, "644 [root]"},
		{"those of a signer, each certificate once", corev1.ClusterTrustBundleProjection{SignerName: ptr.To("s"), LabelSelector: &metav1.LabelSelector{}}, "644 [both one two]"},
		{"those that a selector matches", corev1.ClusterTrustBundleProjection{SignerName: ptr.To("s"), LabelSelector: tier("back")}, "644 [both two]"},
		{"no selector matches nothing", corev1.ClusterTrustBundleProjection{SignerName: ptr.To("s"), Optional: ptr.To(true)}, "644 []"},
		{"one that is not there", corev1.ClusterTrustBundleProjection{Name: ptr.To("no")},
			`error: while getting ClusterTrustBundle: clustertrustbundle.certificates.k8s.io "no" not found`},
		{"an optional one that is not there is an empty file", corev1.ClusterTrustBundleProjection{Name: ptr.To("no"), Optional: ptr.To(true)}, "644 []"},
		{"a selector that matches nothing", corev1.ClusterTrustBundleProjection{SignerName: ptr.To("s"), LabelSelector: tier("no")},
			"error: combination of signerName and labelSelector matched zero ClusterTrustBundles"},
		{"neither name nor signer", corev1.ClusterTrustBundleProjection{}, "error: ClusterTrustBundle projection requires either name or signerName to be set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.source.Path = "ca"
			volume := corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ClusterTrustBundle: &test.source}}}}
			files, err := m.content(t.Context(), &corev1.Pod{}, &corev1.Volume{Name: "v", VolumeSource: volume})
			got := fmt.Sprintf("%o %v", files["ca"].Mode, words(files["ca"].Data))
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTrustAnchorsAreForThePodsUserAlone(t *testing.T) {
	m := New(Options{TrustBundles: source{bundles: []*certificatesv1.ClusterTrustBundle{bundle("a", "", "", "root")}}})
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](7)}, Containers: []corev1.Container{{Name: "c"}},
	}}
	files, err := m.trustAnchors(t.Context(), pod, &corev1.ClusterTrustBundleProjection{Name: ptr.To("a"), Path: "ca"}, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if file := files["ca"]; file.Mode != 0o600 || file.Owner == nil || *file.Owner != 7 || !slices.Equal(words(file.Data), []string{"root"}) {
		t.Errorf("got %+v, want mode 600 and user 7", file)
	}
}
