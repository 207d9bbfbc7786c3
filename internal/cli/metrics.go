package cli

import (
	"context"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/resourcemetrics"
	metricsapi "github.com/orrery-dev/orrery/resourcemetrics/api"
	"github.com/spf13/pflag"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// metricsOptions are what a person can choose about figures of nodes and pods.
type metricsOptions struct{ metrics onOff }

func (o *metricsOptions) addFlags(flags *pflag.FlagSet) {
	o.metrics = true
	flags.Var(&o.metrics, "metrics", "`on` or off: whether the API server answers for metrics.k8s.io, which kubectl top and autoscalers ask what pods use; off where a metrics-server does, that was installed by Helm")
}

// metricsAPI is what knows what nodes and pods use, and what answers for it.
type metricsAPI struct {
	store *resourcemetrics.Store
	api   *metricsapi.Metrics
}

// newMetrics is nil where nobody is to answer.
func newMetrics(o metricsOptions) *metricsAPI {
	if !o.metrics {
		return nil
	}
	store := resourcemetrics.NewStore(resourcemetrics.Resolution)
	return &metricsAPI{store, metricsapi.New(store)}
}

// serve has an API server answer.
func (m *metricsAPI) serve(o *apiserver.Options) error {
	if m == nil {
		return nil
	}
	group, err := m.api.Group()
	o.Groups = []*genericapiserver.APIGroupInfo{group}
	return err
}

// metricsComponents asks the nodes; none, where nobody is to answer.
func (p *controlPlane) metricsComponents() []plane.Component {
	if p.metrics == nil {
		return nil
	}
	return []plane.Component{{Name: metricsServerComponent, Needs: []string{apiserverComponent}, Run: p.runMetricsServer}}
}

func (p *controlPlane) runMetricsServer(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.MetricsServer)
	if err != nil {
		return err
	}
	part, err := wiring.NewMetricsServer(cluster, p.metrics.store, p.metrics.api)
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready("") })
}
