package volumes

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// errNoBundles has the kubelet's words.
var errNoBundles = errors.New("combination of signerName and labelSelector matched zero ClusterTrustBundles")

// trustAnchors is the file of all certificates in the ClusterTrustBundle of a name, or in those of a signer that a selector matches. It
// is empty where there are none and they are optional.
func (m *Manager) trustAnchors(ctx context.Context, pod *corev1.Pod, source *corev1.ClusterTrustBundleProjection, mode int32) (map[string]File, error) {
	wanted, missing, err := selectBundles(source)
	if err != nil {
		return nil, err
	}
	bundles, err := m.options.TrustBundles.TrustBundles(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if optional := source.Optional != nil && *source.Optional; len(bundles) == 0 && !optional {
		return nil, missing
	}
	return map[string]File{source.Path: ownedByPod(pod, anchors(bundles), mode)}, nil
}

// selectBundles says which bundles a projection wants, and what it is told if there are none. No selector selects nothing, an empty one
// everything.
func selectBundles(source *corev1.ClusterTrustBundleProjection) (wanted func(*certificatesv1.ClusterTrustBundle) bool, missing, err error) {
	switch {
	case source.Name != nil:
		missing = fmt.Errorf("while getting ClusterTrustBundle: %w",
			apierrors.NewNotFound(certificatesv1.Resource("clustertrustbundle"), *source.Name))
		return func(b *certificatesv1.ClusterTrustBundle) bool { return b.Name == *source.Name }, missing, nil
	case source.SignerName != nil:
		selector, err := metav1.LabelSelectorAsSelector(source.LabelSelector)
		if err != nil {
			return nil, nil, fmt.Errorf("while parsing label selector: %w", err)
		}
		return func(b *certificatesv1.ClusterTrustBundle) bool {
			return b.Spec.SignerName == *source.SignerName && selector.Matches(labels.Set(b.Labels))
		}, errNoBundles, nil
	default:
		return nil, nil, errors.New("ClusterTrustBundle projection requires either name or signerName to be set")
	}
}

// anchors are the certificates of bundles, each once, in the order of their bytes: theirs in a bundle means nothing, and the same ones
// should always be the same file.
func anchors(bundles []*certificatesv1.ClusterTrustBundle) []byte {
	distinct := map[string]struct{}{}
	for _, bundle := range bundles {
		for block, rest := pem.Decode([]byte(bundle.Spec.TrustBundle)); block != nil; block, rest = pem.Decode(rest) {
			distinct[string(block.Bytes)] = struct{}{}
		}
	}
	all := []byte{}
	for _, certificate := range slices.Sorted(maps.Keys(distinct)) {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(certificate)})...)
	}
	return all
}
