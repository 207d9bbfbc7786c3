package differential

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// rooms are the loops that do what those of upstream.go do.
var rooms = []string{
	"apps/daemonset", "apps/deployment", "apps/replicaset", "apps/statefulset", "autoscaling/horizontalpodautoscaler",
	"batch/cronjob", "batch/job", "batch/orphanedjobpods", "batch/ttlafterfinished",
	"core/endpoints", "core/namespace", "core/nodeeviction", "core/nodelifecycle", "core/pvbinder", "core/pvcprotection", "core/pvprotection", "core/pvreclaimer", "core/replicationcontroller", "core/resourcequota", "core/serviceaccount", "core/tainteviction",
	"discovery/endpointslice", "discovery/endpointslicemirroring", "meta/garbagecollector",
	"policy/disruption", "policy/staledisruption",
}

// runOurs runs our controllers until ctx ends.
func runOurs(ctx context.Context, s *side, ready func()) error {
	mgr, err := wiring.NewManager(wiring.Cluster{Config: s.config, Naming: apis.Kubernetes, Own: true, Log: logr.Discard()}, nil)
	if err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(s.config)
	if err != nil {
		return fmt.Errorf("making our client of discovery: %w", err)
	}
	metrics, err := s.metricsClients(mgr.GetRESTMapper())
	if err != nil {
		return err
	}
	all := controllers.All(controllers.Options{
		Discovery: kinds, Canonical: apis.Kubernetes.GroupKind, Autoscaling: metrics,
		NodeLifecycle: nodelifecycle.Options{MonitorGracePeriod: grace},
	})
	chosen := slices.DeleteFunc(all, func(e controllers.Entry) bool { return !slices.Contains(rooms, e.Room) })
	if len(chosen) != len(rooms) {
		return fmt.Errorf("choosing loops: there are %d of the %d", len(chosen), len(rooms))
	}
	if err := controllers.AddTo(mgr, loop.Options{}, chosen); err != nil {
		return err
	}
	return wiring.Run(ctx, mgr, ready)
}
