package wiring

import (
	"context"
	"fmt"
	"time"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/loop"
)

// lookForSnapshots says how often it is looked whether a cluster has the kinds of snapshots: at first often, as they may just have been
// defined, and then more and more seldom, as it may never come to that.
var lookForSnapshots = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 1.5, Steps: 1 << 30, Cap: 30 * time.Second}

// addSnapshots runs loops over snapshots in a manager, from when the cluster has their kinds: those are not Kubernetes' own, and loops over
// kinds that are not there would end the manager, and with it the loops over claims.
func addSnapshots(mgr manager.Manager, options loop.Options, loops ...loop.Loop) error {
	kinds, err := discovery.NewDiscoveryClientForConfig(mgr.GetConfig())
	if err != nil {
		return fmt.Errorf("asking for the kinds of snapshots: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		if err := hasSnapshots(ctx, kinds); err != nil {
			return nil //nolint:nilerr // the manager ends before it has come to that
		}
		return loop.AddAll(mgr, options, loops...)
	}))
}

// hasSnapshots returns when the cluster has the kinds of snapshots, or with an error when ctx ends before.
func hasSnapshots(ctx context.Context, cluster groupVersions) error {
	look := lookForSnapshots
	for {
		if isServed(cluster) {
			return nil
		}
		select {
		case <-time.After(look.Step()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isServed says that all kinds of snapshots are there. While that cannot be asked they are taken not to be.
func isServed(cluster groupVersions) bool {
	const all = 3
	list, err := cluster.ServerResourcesForGroupVersion(snapshotv1.SchemeGroupVersion.String())
	if err != nil {
		return false
	}
	kinds := map[string]bool{}
	for _, r := range list.APIResources {
		kinds[r.Kind] = true
	}
	return len(kinds) >= all
}
