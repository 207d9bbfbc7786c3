package subsets_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers/internal/subsets"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/api/v1/endpoints"
	"pgregory.net/rapid"
)

// TestSubsetsArePackedAsKubernetesPacksThem compares them in Kubernetes' own order, which is that of hashes.
func TestSubsetsArePackedAsKubernetesPacksThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.Custom(drawSubset), 0, 4).Draw(t, "subsets")
		packed := subsets.Pack(drawn)
		if diff := cmp.Diff(endpoints.RepackSubsets(drawn), endpoints.SortSubsets(subsets.Pack(drawn))); diff != "" {
			t.Fatalf("subsets differ from those of Kubernetes (-Kubernetes +ours):\n%s", diff)
		}
		if diff := cmp.Diff(packed, subsets.Pack(endpoints.RepackSubsets(drawn))); diff != "" {
			t.Fatalf("what Kubernetes packed has another form (-packed +again):\n%s", diff)
		}
	})
}

func drawSubset(t *rapid.T) corev1.EndpointSubset {
	addresses := rapid.SliceOfN(rapid.Custom(drawAddress), 0, 3)
	return corev1.EndpointSubset{
		Addresses:         addresses.Draw(t, "addresses"),
		NotReadyAddresses: addresses.Draw(t, "addresses that are not ready"),
		Ports: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) corev1.EndpointPort {
			return corev1.EndpointPort{
				Name:     rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "name"),
				Port:     rapid.Int32Range(1, 2).Draw(t, "number"),
				Protocol: rapid.SampledFrom([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}).Draw(t, "protocol"),
			}
		}), 0, 3).Draw(t, "ports"),
	}
}

func drawAddress(t *rapid.T) corev1.EndpointAddress {
	a := corev1.EndpointAddress{IP: rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "fd00::1"}).Draw(t, "IP")}
	if uid := rapid.SampledFrom([]types.UID{"", "u", "v"}).Draw(t, "UID"); uid != "" {
		a.TargetRef = &corev1.ObjectReference{Kind: "Pod", UID: uid}
	}
	return a
}
