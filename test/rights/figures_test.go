package rights_test

import (
	"context"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/resourcemetrics"
	metricsapi "github.com/orrery-dev/orrery/resourcemetrics/api"
)

// runMetricsServer asks nodes for their figures, and for nodes and pods as it does to answer for them.
func runMetricsServer(ctx context.Context, config *rest.Config) error {
	store := resourcemetrics.NewStore(resourcemetrics.Resolution)
	part, err := wiring.NewMetricsServer(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Log: logr.Discard()}, store, metricsapi.New(store))
	if err != nil {
		return err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	lister := metricsapi.Live{Client: client}
	for _, ask := range []func() error{
		func() error { _, err := lister.Nodes(ctx, labels.Everything()); return err },
		func() error { _, err := lister.Pods(ctx, "", labels.Everything()); return err },
		func() error { _, err := lister.Node(ctx, "none"); return err },
		func() error {
			_, err := lister.Pod(ctx, types.NamespacedName{Namespace: "default", Name: "none"})
			return err
		},
	} {
		if err := ask(); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return part.Run(ctx)
}
