package clusterinfo

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/orrery-dev/orrery/apiserver/pki"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pubkeypin"
	"k8s.io/utils/clock"

	certutil "k8s.io/client-go/util/cert"
)

func authority(t *testing.T) []byte {
	t.Helper()
	store, err := pki.Open(t.TempDir(), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	return store.Authority().Certificate()
}

func TestWhatIsPublishedIsRead(t *testing.T) {
	info := Info{Server: "https://192.0.2.1:6443", CA: authority(t)}
	text, err := info.encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := Of(&corev1.ConfigMap{Data: map[string]string{"kubeconfig": text}})
	if diff := cmp.Diff(info, read); diff != "" || err != nil {
		t.Errorf("-written +read (%v):\n%s", err, diff)
	}
	for name, wrong := range map[string]string{
		"nothing":               "",
		"no kubeconfig":         "clusters: 7",
		"no authority":          "clusters: [{name: a, cluster: {server: 'https://192.0.2.1'}}]",
		"more than one cluster": text + "- {name: b, cluster: {server: 'https://192.0.2.2'}}",
	} {
		if got, err := Of(&corev1.ConfigMap{Data: map[string]string{"kubeconfig": wrong}}); err == nil {
			t.Errorf("%s is read as %v", name, got)
		}
	}
}

func TestWhatNodesHaveToKnow(t *testing.T) {
	published := func(text string) *corev1.ConfigMap { return &corev1.ConfigMap{Data: map[string]string{"config": text}} }
	got, err := NodeConfigOf(published(`{"networking": {"podSubnet": "10.200.0.0/16", "serviceSubnet": "10.96.0.0/16"}, "clusterDNS": ["10.96.0.10"]}`))
	want := NodeConfig{
		Networking: Networking{PodSubnet: netip.MustParsePrefix("10.200.0.0/16"), ServiceSubnet: netip.MustParsePrefix("10.96.0.0/16")},
		ClusterDNS: []string{"10.96.0.10"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" || err != nil {
		t.Errorf("-want +got (%v):\n%s", err, diff)
	}
	for _, wrong := range []string{"", "{}", `{"networking": {"podSubnet": "10.200.0.0/16"}}`, `{"networking": {"podSubnet": "all"}}`} {
		if got, err := NodeConfigOf(published(wrong)); err == nil {
			t.Errorf("%q is read as %v", wrong, got)
		}
	}
}

func TestPinsAreKubeadms(t *testing.T) {
	ca := authority(t)
	certificates, err := certutil.ParseCertsPEM(ca)
	if err != nil {
		t.Fatal(err)
	}
	pins, err := Pins(ca)
	if err != nil || len(pins) != 1 || pins[0] != pubkeypin.Hash(certificates[0]) {
		t.Errorf("the pins are %v (%v), want %s", pins, err, pubkeypin.Hash(certificates[0]))
	}
	if err := CheckPin(pins[0]); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "sha256:", strings.TrimPrefix(pins[0], "sha256:"), strings.ToUpper(pins[0]), pins[0] + "0"} {
		if CheckPin(wrong) == nil {
			t.Errorf("%q passes for a pin", wrong)
		}
	}
}

func TestEveryCertificateIsPinned(t *testing.T) {
	one, two := authority(t), authority(t)
	pins := func(cas ...[]byte) (all []string) {
		for _, ca := range cas {
			some, err := Pins(ca)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, some...)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		ca   []byte
		pins []string
		want bool
	}{
		{"an authority with its pin", one, pins(one), true},
		{"one of several pins is enough", one, pins(two, one), true},
		{"another's pin is none", one, pins(two), false},
		{"no pin is none", one, nil, false},
		{"a second certificate needs a pin too", append(one[:len(one):len(one)], two...), pins(one), false},
		{"and may have one", append(one[:len(one):len(one)], two...), pins(one, two), true},
	} {
		if got, err := Pinned(tt.ca, tt.pins); got != tt.want || err != nil {
			t.Errorf("%s: got %t (%v)", tt.name, got, err)
		}
	}
	if _, err := Pinned([]byte("x"), nil); err == nil {
		t.Error("what is no certificate is pinned")
	}
}
