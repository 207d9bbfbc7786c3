package wiring

import (
	"fmt"
	"net/http"

	typedeventsv1 "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/orrery-dev/orrery/framework/activity"
)

// identities make each loop of a manager somebody of its own to the API server. What is read through the cache, which all of them
// share, is read as whom the manager is; only Secrets are not among that.
type identities struct {
	configOf func(loop string) (*rest.Config, error)
	events   *journal
	activity *activity.Tracker
}

func newIdentities(configOf func(loop string) (*rest.Config, error), activity *activity.Tracker) *identities {
	return &identities{configOf: configOf, events: newJournal(), activity: activity}
}

// stop ends what runs for all loops together. None may be running any more.
func (i *identities) stop() { i.events.stop() }

// as is a manager as a loop knows it. See loop.Options.
func (i *identities) as(mgr manager.Manager, loop string) (manager.Manager, error) {
	config, err := i.configOf(loop)
	if err != nil {
		return nil, err
	}
	config = unwarned(config)
	m := &asLoop{Manager: mgr, config: config}
	if m.http, err = rest.HTTPClientFor(config); err != nil {
		return nil, fmt.Errorf("making a client of its own: %w", err)
	}
	options := client.Options{HTTPClient: m.http, Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()}
	if m.live, err = client.New(config, options); err != nil {
		return nil, fmt.Errorf("making a client of its own: %w", err)
	}
	m.cache = newSecretsApart(mgr, m, i.activity)
	options.Cache = &client.CacheOptions{Reader: m.cache}
	if m.client, err = client.New(config, options); err != nil {
		return nil, fmt.Errorf("making a client of its own: %w", err)
	}
	writes, err := typedeventsv1.NewForConfigAndClient(config, m.http)
	if err != nil {
		return nil, fmt.Errorf("making a client of its own for events: %w", err)
	}
	m.recorder = func(name string) recorder.EventRecorder {
		return i.events.recorder(name, mgr.GetScheme(), &events.EventSinkImpl{Interface: writes})
	}
	return m, nil
}

// asLoop is a manager as one loop knows it: what the loop writes, records and reads without the shared cache, it does as itself.
type asLoop struct {
	manager.Manager
	config   *rest.Config
	http     *http.Client
	cache    cache.Cache
	client   client.Client
	live     client.Client
	recorder func(name string) recorder.EventRecorder
}

func (m *asLoop) GetConfig() *rest.Config                             { return m.config }
func (m *asLoop) GetHTTPClient() *http.Client                         { return m.http }
func (m *asLoop) GetCache() cache.Cache                               { return m.cache }
func (m *asLoop) GetClient() client.Client                            { return m.client }
func (m *asLoop) GetAPIReader() client.Reader                         { return m.live }
func (m *asLoop) GetEventRecorder(name string) recorder.EventRecorder { return m.recorder(name) }
