package servicecidr

import (
	"net/netip"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/servicecidr"
	"pgregory.net/rapid"
)

// What lies in which range is what the API server thinks, which gives out addresses by it.
func TestRangesAreUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
		other := serviceCIDR("other", []string{prefix(t, "other").String()})
		if err := store.Add(other); err != nil {
			t.Fatal(err)
		}
		lister := networkinglisters.NewServiceCIDRLister(store)

		whole := prefix(t, "whole")
		cidr := serviceCIDR("new", []string{whole.String()})
		if got, want := contained(cidr, []*networkingv1.ServiceCIDR{other}), len(servicecidr.ContainsPrefix(lister, whole)) > 0; got != want {
			t.Errorf("%s contains %s: %t, want %t", other.Spec.CIDRs, whole, got, want)
		}
		addr := addressIn(t)
		if got, want := holds(other, addr), len(servicecidr.ContainsAddress(lister, addr)) > 0; got != want {
			t.Errorf("%s holds %s: %t, want %t", other.Spec.CIDRs, addr, got, want)
		}
	})
}

func prefix(t *rapid.T, label string) netip.Prefix {
	addr := addressIn(t)
	few := rapid.IntRange(0, 6).Draw(t, label)
	return netip.PrefixFrom(addr, addr.BitLen()-few).Masked()
}

// addressIn is one of a few addresses of either family.
func addressIn(t *rapid.T) netip.Addr {
	last := rapid.ByteRange(0, 63).Draw(t, "address")
	if rapid.Bool().Draw(t, "IPv6") {
		return netip.AddrFrom16([16]byte{0: 0xfd, 15: last})
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, last})
}
