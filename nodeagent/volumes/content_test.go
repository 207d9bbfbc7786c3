package volumes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

// source has what the test puts into it.
type source struct {
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	bundles    []*certificatesv1.ClusterTrustBundle
}

func (s source) TrustBundles(_ context.Context, wanted func(*certificatesv1.ClusterTrustBundle) bool) ([]*certificatesv1.ClusterTrustBundle, error) {
	return slices.DeleteFunc(slices.Clone(s.bundles), func(b *certificatesv1.ClusterTrustBundle) bool { return !wanted(b) }), nil
}

func (s source) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if found := s.configMaps[name]; found != nil {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (s source) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	if found := s.secrets[name]; found != nil {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func TestContent(t *testing.T) {
	data := source{
		configMaps: map[string]*corev1.ConfigMap{"c": {Data: map[string]string{"k": "v", "l": "w"}, BinaryData: map[string][]byte{"bin": {1}}}},
		secrets:    map[string]*corev1.Secret{"s": {Data: map[string][]byte{"word": []byte("sesame")}}},
	}
	m := New(Options{Source: data, Tokens: &issuer{clock: testingclock.NewFakeClock(now)}, Clock: testingclock.NewFakeClock(now)})
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	for _, test := range []struct {
		name   string
		volume corev1.VolumeSource
		want   string
	}{
		{"all keys of a ConfigMap", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c")}},
			"bin 644 \x01, k 644 v, l 644 w"},
		{"the items, at their paths and with their modes", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: named("c"), DefaultMode: ptr.To[int32](0o600),
			Items: []corev1.KeyToPath{{Key: "k", Path: "x/y"}, {Key: "l", Path: "z", Mode: ptr.To[int32](0o400)}},
		}}, "x/y 600 v, z 400 w"},
		{"an item that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c"), Items: []corev1.KeyToPath{{Key: "no", Path: "x"}}}},
			"error: configmap references non-existent configmap key: no"},
		{"an optional item that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: named("c"), Optional: ptr.To(true), Items: []corev1.KeyToPath{{Key: "no", Path: "x"}},
		}}, ""},
		{"a ConfigMap that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("d")}},
			`error: configmaps "d" not found`},
		{"an optional Secret that is not there", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "d", Optional: ptr.To(true)}}, ""},
		{"fields of the pod", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}},
			{Path: "tier", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['tier']"}},
		}}}, "name 644 web, tier 644 front"},
		{"a projection of several", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](0o440), Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: named("s")}},
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		}}}, "token 440 token-1, word 440 sesame"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"tier": "front"}}}
			files, err := m.content(t.Context(), pod, &corev1.Volume{Name: "v", VolumeSource: test.volume})
			var lines []string
			for path, file := range files {
				lines = append(lines, fmt.Sprintf("%s %o %s", path, file.Mode, file.Data))
			}
			slices.Sort(lines)
			got := strings.Join(lines, ", ")
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
