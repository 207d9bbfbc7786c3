package differential

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// rooms are the loops that do what those of upstream.go do.
var rooms = []string{
	"apps/daemonset", "apps/deployment", "apps/replicaset", "apps/statefulset",
	"batch/cronjob", "batch/job", "batch/orphanedjobpods", "batch/ttlafterfinished",
	"core/endpoints", "core/namespace", "core/replicationcontroller", "core/resourcequota", "core/serviceaccount",
	"discovery/endpointslice", "discovery/endpointslicemirroring", "meta/garbagecollector",
	"policy/disruption", "policy/staledisruption",
}

// runOurs runs our controllers until ctx ends.
func runOurs(ctx context.Context, config *rest.Config, ready func()) error {
	mgr, err := wiring.NewManager(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true, Log: logr.Discard()}, nil)
	if err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("making our client of discovery: %w", err)
	}
	all := controllers.All(controllers.Options{Discovery: kinds, Canonical: apis.Kubernetes.GroupKind})
	chosen := slices.DeleteFunc(all, func(e controllers.Entry) bool { return !slices.Contains(rooms, e.Room) })
	if len(chosen) != len(rooms) {
		return fmt.Errorf("choosing loops: there are %d of the %d", len(chosen), len(rooms))
	}
	if err := controllers.AddTo(mgr, loop.Options{}, chosen); err != nil {
		return err
	}
	return wiring.Run(ctx, mgr, ready)
}
