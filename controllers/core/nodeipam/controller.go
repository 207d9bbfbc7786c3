package nodeipam

import (
	"fmt"
	"net/netip"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
)

// Options are the ranges of the cluster, as kube-controller-manager's flags have them.
type Options struct {
	// ClusterCIDRs are the ranges that nodes get theirs from: one, or one per IP family. None means that nodes get none.
	ClusterCIDRs []netip.Prefix
	// ServiceCIDRs are ranges that no pod may have addresses of.
	ServiceCIDRs []netip.Prefix
	// NodeCIDRMaskSizeIPv4 and NodeCIDRMaskSizeIPv6 are the lengths of a node's prefix; 0 means 24 and 64.
	NodeCIDRMaskSizeIPv4, NodeCIDRMaskSizeIPv6 int
}

// Check is an error where no node could get its ranges by the options: there are two ranges of one IP family, or one that is
// smaller than what a node gets.
func (o Options) Check() error {
	o = o.withDefaults()
	if n := len(o.ClusterCIDRs); n > 2 || n == 2 && o.ClusterCIDRs[0].Addr().Is6() == o.ClusterCIDRs[1].Addr().Is6() {
		return fmt.Errorf("%v: want one range, or two of which one is IPv4 and one IPv6", o.ClusterCIDRs)
	}
	for _, cluster := range o.ClusterCIDRs {
		if size := o.maskSize(cluster); size < cluster.Bits() || size > cluster.Addr().BitLen() {
			return fmt.Errorf("%s: a node gets a /%d of it, want that from /%d to /%d", cluster, size, cluster.Bits(), cluster.Addr().BitLen())
		}
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.NodeCIDRMaskSizeIPv4 == 0 {
		o.NodeCIDRMaskSizeIPv4 = 24
	}
	if o.NodeCIDRMaskSizeIPv6 == 0 {
		o.NodeCIDRMaskSizeIPv6 = 64
	}
	return o
}

// maskSize is the length of the prefix that a node gets of a cluster CIDR.
func (o Options) maskSize(cluster netip.Prefix) int {
	if cluster.Addr().Is6() {
		return o.NodeCIDRMaskSizeIPv6
	}
	return o.NodeCIDRMaskSizeIPv4
}

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for all Nodes at once.
type Controller struct{ Options }

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.NewGroup("node-ipam-controller", Controller{options.withDefaults()},
		loop.RecordsAs("cidrAllocator"),
		loop.WatchesAll(&ocorev1.Node{}, 0, otherCIDRs),
	)
}

// otherCIDRs lets pass that a node comes or goes, or has other CIDRs than before.
var otherCIDRs = loop.Update(func(was, is *ocorev1.Node) bool {
	return was.Spec.PodCIDR != is.Spec.PodCIDR || !slices.Equal(was.Spec.PodCIDRs, is.Spec.PodCIDRs)
})
