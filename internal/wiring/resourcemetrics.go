package wiring

import (
	"fmt"

	"k8s.io/client-go/metadata"

	"github.com/orrery-dev/orrery/resourcemetrics"
	metricsapi "github.com/orrery-dev/orrery/resourcemetrics/api"
)

// NewMetricsServer makes what asks the nodes of a cluster for what they use, keeps it in a store, and answers for it, once it is asked
// by an API server in which api is installed.
func NewMetricsServer(c Cluster, store *resourcemetrics.Store, api *metricsapi.Metrics) (*resourcemetrics.Scraper, error) {
	client, err := metadata.NewForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for nodes and pods: %w", err)
	}
	scraper, err := resourcemetrics.NewScraper(resourcemetrics.Options{Config: c.Config, Store: store, Log: c.Log})
	if err != nil {
		return nil, err
	}
	api.Use(metricsapi.Live{Client: client})
	return scraper, nil
}
