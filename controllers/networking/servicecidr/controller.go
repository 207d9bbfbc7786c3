package servicecidr

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/orrery-dev/orrery/framework/loop"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups=networking.k8s.io,resources=servicecidrs,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=servicecidrs;ipaddresses,verbs=list
// +kubebuilder:rbac:groups=networking.k8s.io,resources=servicecidrs/status,verbs=patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ipaddresses,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for ServiceCIDRs.
type Controller struct{}

var _ loop.Controller[*networkingv1.ServiceCIDR, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("service-cidr-controller", Controller{},
		loop.Watches(leavingUnder, otherRanges),
		loop.Watches(leavingAround, comeOrGone),
	)
}

// leavingUnder names the ServiceCIDRs that are being deleted and overlap another one, which may let them go.
func leavingUnder(ctx context.Context, read client.Reader, cover *networkingv1.ServiceCIDR) ([]client.ObjectKey, error) {
	return leaving(ctx, read, func(prefix netip.Prefix) bool {
		return slices.ContainsFunc(ranges(cover), prefix.Overlaps)
	})
}

// leavingAround names the ServiceCIDRs that are being deleted and hold an address.
func leavingAround(ctx context.Context, read client.Reader, address *networkingv1.IPAddress) ([]client.ObjectKey, error) {
	addr, ours := allocated(address)
	if !ours {
		return nil, nil
	}
	return leaving(ctx, read, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// leaving names the ServiceCIDRs that are being deleted and have a range that concerns somebody.
func leaving(ctx context.Context, read client.Reader, concerns func(netip.Prefix) bool) ([]client.ObjectKey, error) {
	var list networkingv1.ServiceCIDRList
	if err := read.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing ServiceCIDRs: %w", err)
	}
	var keys []client.ObjectKey
	for i := range list.Items {
		if cidr := &list.Items[i]; cidr.DeletionTimestamp != nil && slices.ContainsFunc(ranges(cidr), concerns) {
			keys = append(keys, client.ObjectKeyFromObject(cidr))
		}
	}
	return keys, nil
}

// otherRanges lets pass that there is a new ServiceCIDR, or that one has other ranges. One that is deleted lets no other go.
var otherRanges = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*networkingv1.ServiceCIDR), e.ObjectNew.(*networkingv1.ServiceCIDR)
		return !slices.Equal(was.Spec.CIDRs, is.Spec.CIDRs)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// comeOrGone lets pass that an address has been given out or given back.
var comeOrGone = predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
