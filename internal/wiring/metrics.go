package wiring

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
)

// versionPeriod is for how long the version counts by which custom metrics are asked for.
const versionPeriod = 15 * time.Second

// Metrics are clients of the metrics APIs, for the loop of HorizontalPodAutoscalers: as itself, where loops are somebody of their own.
func (c Cluster) Metrics() (o horizontalpodautoscaler.Options, err error) {
	config := c.Config
	if c.ConfigOf != nil {
		if config, err = c.ConfigOf(horizontalpodautoscaler.Loop(o).Name()); err != nil {
			return o, fmt.Errorf("making clients for metrics: %w", err)
		}
	}
	config = unwarned(config)
	if err := addMetrics(&o, config); err != nil {
		return o, fmt.Errorf("making clients for the metrics of the cluster at %s: %w", config.Host, err)
	}
	return o, nil
}

func addMetrics(o *horizontalpodautoscaler.Options, config *rest.Config) (err error) {
	if o.Resource, err = v1beta1.NewForConfig(config); err != nil {
		return err
	}
	if o.External, err = external_metrics.NewForConfig(config); err != nil {
		return err
	}
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	kinds, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return err
	}
	served, err := discovery.NewDiscoveryClientForConfigAndClient(config, http)
	if err != nil {
		return err
	}
	o.Custom = custom_metrics.NewForConfig(config, kinds, &customVersion{AvailableAPIsGetter: custom_metrics.NewAvailableAPIsGetter(served)})
	return nil
}

// customVersion is the version by which custom metrics are asked for. It is found out anew when it has become old: an adapter may be
// replaced by one that speaks another.
type customVersion struct {
	custom_metrics.AvailableAPIsGetter
	mu    sync.Mutex
	until time.Time
}

// PreferredVersion is the version that the server prefers, as it has been for the last seconds.
func (v *customVersion) PreferredVersion() (schema.GroupVersion, error) {
	v.mu.Lock()
	if now := time.Now(); now.After(v.until) {
		v.Invalidate()
		v.until = now.Add(versionPeriod)
	}
	v.mu.Unlock()
	return v.AvailableAPIsGetter.PreferredVersion()
}
