package servicecidr

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestRangesOutliveTheirAddresses lets ranges and addresses in them come and go, under both namings: no address is ever left without a
// range, and in the end every range that is deleted and not needed has gone.
func TestRangesOutliveTheirAddresses(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:     scheme,
			Loops:      []loop.Loop{Loop()},
			Start:      someRanges,
			Change:     comeAndGo,
			Invariants: []looptest.Invariant{noAddressIsLeft},
			Converged:  onlyNeededOnesStay,
		})
	})
}

var (
	names = []string{"kubernetes", "same", "small"}
	all   = map[string][]string{"kubernetes": {"10.0.0.0/24"}, "same": {"10.0.0.0/24"}, "small": {"10.0.0.0/28", "fd00::/64"}}
	texts = []string{"10.0.0.7", "10.0.0.77", "fd00::7"}
)

// someRanges are some that stay and some that are being deleted, with the addresses that they hold.
func someRanges(t *rapid.T) []client.Object {
	var objs []client.Object
	var there []*networkingv1.ServiceCIDR
	for _, name := range names {
		cidr := serviceCIDR(name, all[name], protected)
		switch rapid.SampledFrom([]string{"absent", "stays", "leaves"}).Draw(t, name) {
		case "absent":
			continue
		case "leaves":
			at := metav1.NewTime(looptest.Begin.Add(-time.Minute))
			cidr.DeletionTimestamp = &at
		}
		objs, there = append(objs, cidr), append(there, cidr)
	}
	for _, text := range texts {
		addr := netip.MustParseAddr(text)
		if slices.ContainsFunc(there, func(cidr *networkingv1.ServiceCIDR) bool { return holds(cidr, addr) }) {
			objs = append(objs, address(text))
		}
	}
	return objs
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	name := rapid.SampledFrom(names).Draw(t, "range")
	text := rapid.SampledFrom(texts).Draw(t, "address")
	var err error
	switch rapid.SampledFrom([]string{"take", "take", "take", "give", "create", "delete", "wait"}).Draw(t, "what") {
	case "delete":
		err = client.IgnoreNotFound(user.Delete(t.Context(), serviceCIDR(name, nil)))
	case "create":
		err = client.IgnoreAlreadyExists(user.Create(t.Context(), serviceCIDR(name, all[name], protected)))
	case "give": // as an API server does, for as long as it has a range that is not being deleted
		if slices.ContainsFunc(looptest.All[*networkingv1.ServiceCIDR](w), func(cidr *networkingv1.ServiceCIDR) bool {
			return cidr.DeletionTimestamp == nil && holds(cidr, netip.MustParseAddr(text))
		}) {
			err = client.IgnoreAlreadyExists(user.Create(t.Context(), address(text)))
		}
	case "take":
		err = client.IgnoreNotFound(user.Delete(t.Context(), address(text)))
	case "wait":
		w.Step(grace + time.Second)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func noAddressIsLeft(w *looptest.World, wrote looptest.Write) error {
	if wrote.By != "service-cidr-controller" || wrote.After != nil {
		return nil
	}
	gone := wrote.Before.(*networkingv1.ServiceCIDR)
	for _, address := range looptest.All[*networkingv1.IPAddress](w) {
		addr := netip.MustParseAddr(address.Name)
		if holds(gone, addr) && !held(w, addr) {
			return fmt.Errorf("%s went, and nothing holds %s", gone.Name, addr)
		}
	}
	return nil
}

func held(w *looptest.World, addr netip.Addr) bool {
	return slices.ContainsFunc(looptest.All[*networkingv1.ServiceCIDR](w), func(cidr *networkingv1.ServiceCIDR) bool { return holds(cidr, addr) })
}

func onlyNeededOnesStay(w *looptest.World) error {
	cidrs := looptest.All[*networkingv1.ServiceCIDR](w)
	for _, cidr := range cidrs {
		if cidr.DeletionTimestamp == nil {
			if !slices.Contains(cidr.Finalizers, finalizer) || len(cidr.Status.Conditions) != 1 || cidr.Status.Conditions[0].Message != ready.Message {
				return fmt.Errorf("%s is not ready: %v", cidr.Name, cidr.Status.Conditions)
			}
			continue
		}
		others := slices.DeleteFunc(slices.Clone(cidrs), func(other *networkingv1.ServiceCIDR) bool { return other.Name == cidr.Name })
		if !decide(cidr, others, looptest.All[*networkingv1.IPAddress](w)).orphan.IsValid() {
			return fmt.Errorf("%s is deleted, and no address needs it", cidr.Name)
		}
		if len(cidr.Status.Conditions) != 1 || cidr.Status.Conditions[0].Reason != "Terminating" {
			return fmt.Errorf("%s does not say why it is still there: %v", cidr.Name, cidr.Status.Conditions)
		}
	}
	return nil
}
