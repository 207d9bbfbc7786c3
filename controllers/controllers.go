// Package controllers is the table of all control loops.
//
// It holds no logic and imports every room, each of which knows none of the others: they talk through the API.
package controllers

import (
	"net/netip"
	"time"

	"github.com/orrery-dev/orrery/controllers/apps/deployment"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
	"github.com/orrery-dev/orrery/controllers/core/namespace"
	"github.com/orrery-dev/orrery/controllers/core/nodeeviction"
	"github.com/orrery-dev/orrery/controllers/core/nodeipam"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/controllers/core/podgc"
	"github.com/orrery-dev/orrery/controllers/core/rootcacertpublisher"
	"github.com/orrery-dev/orrery/controllers/core/serviceaccount"
	"github.com/orrery-dev/orrery/controllers/core/tainteviction"
	"github.com/orrery-dev/orrery/controllers/core/terminatedpodgc"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslice"
	"github.com/orrery-dev/orrery/controllers/internal/served"
	"github.com/orrery-dev/orrery/controllers/meta/garbagecollector"
	"github.com/orrery-dev/orrery/controllers/rbac/clusterroleaggregation"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Options are what loops need to know that the API cannot tell.
type Options struct {
	// Discovery lists the kinds that the API server has, as discovery.DiscoveryClient does. Required.
	Discovery served.Discovery
	// Canonical is the name that counts, where the server shows each object by two. In the embedded server it is
	// apis.Kubernetes.GroupKind; nil means that all names are of different objects.
	Canonical func(schema.GroupKind) schema.GroupKind
	// RootCA are the certificates, in PEM, by which Pods know the API server. Empty means that none are published.
	RootCA []byte
	// NamespaceSettle is how long a deleted Namespace is kept at least; 0 means 5 s. See namespace.Options.
	NamespaceSettle time.Duration
	// ClusterCIDRs are the ranges that nodes get their pods' addresses from: one, or one per IP family. None means that
	// nodes get none.
	ClusterCIDRs []netip.Prefix
	// ServiceCIDRs are ranges that no pod may have addresses of.
	ServiceCIDRs []netip.Prefix
	// NodeLifecycle are the times that nodes are given. The zero value has Kubernetes' own.
	NodeLifecycle nodelifecycle.Options
}

func (o Options) kinds() served.Source {
	return served.Source{Discovery: o.Discovery, Canonical: o.Canonical}
}

// Runner is what a manager runs. Every loop is one.
type Runner interface {
	Name() string
	AddTo(mgr manager.Manager, options loop.Options) error
}

// All returns every loop, ready to be added to a manager. The order has no meaning.
func All(o Options) []loop.Loop {
	return []loop.Loop{
		deployment.Loop(),
		replicaset.Loop(),
		nodeeviction.Loop(),
		namespace.Loop(namespace.Options{Kinds: o.kinds(), DeletionGracePeriod: o.NamespaceSettle}),
		nodeipam.Loop(nodeipam.Options{ClusterCIDRs: o.ClusterCIDRs, ServiceCIDRs: o.ServiceCIDRs}),
		nodelifecycle.Loop(o.NodeLifecycle),
		podgc.Loop(),
		rootcacertpublisher.Loop(o.RootCA),
		serviceaccount.Loop(),
		tainteviction.Loop(),
		terminatedpodgc.Loop(terminatedpodgc.Options{}),
		clusterroleaggregation.Loop(),
		endpointslice.Loop(),
	}
}

// AcrossKinds returns what decides for objects of every kind, and so is no single loop.
func AcrossKinds(o Options) []Runner {
	return []Runner{
		garbagecollector.New(o.kinds()),
	}
}

// AddTo adds all of them to a manager.
func AddTo(mgr manager.Manager, o Options) error {
	if err := loop.AddAll(mgr, loop.Options{}, All(o)...); err != nil {
		return err
	}
	for _, r := range AcrossKinds(o) {
		if err := r.AddTo(mgr, loop.Options{}); err != nil {
			return err
		}
	}
	return nil
}
