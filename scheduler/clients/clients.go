package clients

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apis"
)

// Clients are what a plugin's Handle gives out.
type Clients struct {
	Set kubernetes.Interface
	// Informers are not started.
	Informers informers.SharedInformerFactory
	// Config is for plugins that build clients of their own.
	Config *rest.Config
}

// New returns clients of an API server on which the kinds of package apis have the names of the naming. Set and Informers
// share the connections of the HTTP client, which was made from the config. The clock says when kinds that were not served
// are looked for again.
func New(config *rest.Config, shared *http.Client, naming apis.Naming, clock clock.Clock) (*Clients, error) {
	wrap := func(inner http.RoundTripper) http.RoundTripper { return tolerant{inner, clock} }
	config = rest.CopyConfig(config)
	if naming != apis.Kubernetes {
		config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
		wrap = func(inner http.RoundTripper) http.RoundTripper { return tolerant{translator{inner}, clock} }
	}
	wrapped := *shared
	wrapped.Transport = wrap(shared.Transport)
	set, err := kubernetes.NewForConfigAndClient(config, &wrapped)
	if err != nil {
		return nil, fmt.Errorf("building the plugins' client: %w", err)
	}
	config.Wrap(wrap)
	return &Clients{Set: set, Informers: informers.NewSharedInformerFactory(set, 0), Config: config}, nil
}
