package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/scheduler/apicalls"
	"github.com/orrery-dev/orrery/scheduler/bindqueue"
	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/clients"
	"github.com/orrery-dev/orrery/scheduler/config"
	"github.com/orrery-dev/orrery/scheduler/csi"
	"github.com/orrery-dev/orrery/scheduler/cycle"
	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/eventsink"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// Scheduler assigns pods to nodes. Build it with New; it runs once.
type Scheduler struct {
	options   Options
	own       bool // the Cluster is ours to run
	config    *configv1.KubeSchedulerConfiguration
	clients   *clients.Clients
	dra       *dra.Manager
	events    events.EventBroadcaster
	eventSink *eventsink.Sink
	plugins   framework.Registry
	profiles  map[string]*framework.Framework
	cache     *cache.Cache
	queue     *queue.Queue
	cycle     *cycle.Cycle
	history   *explain.History
	// places says that it knows all pods and nodes, and places pods.
	places atomic.Bool
	// nominator is the queue's; preemption asks it as well.
	nominator *queue.Nominator

	// The requests to the API server, by who makes them. podKind is what pods are called there.
	podKind   schema.GroupVersionKind
	cached    apicalls.Cached
	statuses  *apicalls.PodStatuses
	bindQueue *bindqueue.Queue
	binder    *apicalls.Binder
	podGroups apicalls.PodGroups
	volumes   apicalls.Volumes
	victims   apicalls.Victims

	// pluginsCtx is the context of the plugins: it ends with Run.
	pluginsCtx  context.Context
	stopPlugins context.CancelFunc
}

// New builds a scheduler. Everything that is wrong with the configuration is an error here and not later; nothing is
// started, and the API server need not be there yet.
func New(options Options, more ...Option) (*Scheduler, error) {
	s := &Scheduler{options: options}
	s.options.plugins = framework.Registry{}
	for _, option := range more {
		if err := option(&s.options); err != nil {
			return nil, fmt.Errorf("building the scheduler: %w", err)
		}
	}
	var err error
	if s.own, err = s.options.complete(); err != nil {
		return nil, err
	}
	s.pluginsCtx, s.stopPlugins = context.WithCancel(context.Background())
	if err := s.build(); err != nil {
		s.stopPlugins()
		return nil, fmt.Errorf("building the scheduler: %w", err)
	}
	return s, nil
}

func (s *Scheduler) build() error {
	if err := metrics.Register(ctrlmetrics.Registry); err != nil {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	s.buildMemory()
	if err := s.buildPlugins(); err != nil {
		return err
	}
	var profiles []framework.Profile
	var err error
	if s.config, profiles, err = config.Complete(s.options.Configuration, s.plugins.Names()); err != nil {
		return err
	}
	s.buildEvents()
	snapshot := &cache.Snapshot{}
	if err := s.buildProfiles(profiles, snapshot); err != nil {
		return err
	}
	if err := s.buildQueue(); err != nil {
		return err
	}
	s.cycle = &cycle.Cycle{
		Queue: s.queue, Cache: s.cache, Snapshot: snapshot, Profiles: s.profiles, API: cycleAPI{s.cached, s.statuses}, Groups: s.podGroups,
		History: s.history, Clock: s.options.Clock, PercentageOfNodesToScore: *s.config.PercentageOfNodesToScore,
	}
	return nil
}

// buildPlugins puts the plugins of this module and those of the options into one registry.
func (s *Scheduler) buildPlugins() error {
	s.plugins = s.builtIn()
	for name, factory := range s.options.plugins {
		if err := s.plugins.Register(name, factory); err != nil {
			return err
		}
	}
	return nil
}

// buildEvents builds the way of Events to the API server, which binding goes before.
func (s *Scheduler) buildEvents() {
	s.eventSink = eventsink.New(&events.EventSinkImpl{Interface: s.clients.Set.EventsV1()}, s.busy, s.options.Clock)
	s.events = events.NewBroadcaster(s.eventSink)
}

// buildMemory builds what the scheduler knows of nodes and pods, and of its own decisions.
func (s *Scheduler) buildMemory() {
	s.cache = cache.New(s.options.AssumedPodExpires)
	s.nominator = queue.NewNominator(s.cached.AssignedOrGone)
	s.history = explain.NewHistory(s.options.ExplainPods)
}

func (s *Scheduler) buildProfiles(profiles []framework.Profile, snapshot fwk.SharedLister) error {
	scheme, err := eventScheme(s.options.Cluster.GetScheme())
	if err != nil {
		return err
	}
	s.profiles = map[string]*framework.Framework{}
	binding := framework.NewBindingPods(s.options.Clock)
	extenders, err := buildExtenders(s.config.Extenders, profiles)
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		built, err := framework.New(s.pluginsCtx, s.plugins, profile, framework.Environment{
			Snapshot: snapshot, PodGroups: s.cache.Groups(),
			ClientSet: s.clients.Set, KubeConfig: s.clients.Config, Informers: s.clients.Informers,
			BindingPods: binding, Nominator: s.nominator, Extenders: extenders,
			DynamicResources: s.dra,
			Recorder:         func(name string) events.EventRecorderLogger { return s.events.NewRecorder(scheme, name) },
			CSI:              csi.NewManager(s.clients.Informers),
			Parallelism:      int(*s.config.Parallelism),
			Clock:            s.options.Clock,
		})
		if err != nil {
			return err
		}
		s.profiles[profile.SchedulerName] = built
	}
	return nil
}

func (s *Scheduler) buildQueue() (err error) {
	options := queue.Options{
		PreEnqueue:     map[string][]fwk.PreEnqueuePlugin{},
		Hints:          map[string][]framework.Hint{},
		InitialBackoff: time.Duration(*s.config.PodInitialBackoffSeconds) * time.Second,
		MaxBackoff:     time.Duration(*s.config.PodMaxBackoffSeconds) * time.Second,
		Nominator:      s.nominator,
		Clock:          s.options.Clock,
		Logger:         *s.options.Logger,
	}
	for name, profile := range s.profiles {
		options.Less = profile.Less // The same plugin in all profiles.
		options.PreEnqueue[name] = profile.PreEnqueuePlugins()
		if options.Hints[name], err = profile.Hints(s.pluginsCtx); err != nil {
			return fmt.Errorf("building profile %q: %w", name, err)
		}
	}
	if s.queue, err = queue.New(options); err != nil {
		return err
	}
	for _, profile := range s.profiles {
		profile.SetPodActivator(s.queue)
	}
	return s.handleRegisteredEvents(options.Hints)
}

// Explain returns the last attempt to schedule a pod, if it is among those remembered.
func (s *Scheduler) Explain(namespace, name string) (explain.Record, bool) {
	return s.history.Get(namespace, name)
}

// Follow hands what was decided in each attempt to schedule a pod to f from now on, as explain.History does.
func (s *Scheduler) Follow(f func(explain.Record)) { s.history.Follow(f) }

// Pending returns how many pods wait, and where.
func (s *Scheduler) Pending() queue.Counts { return s.queue.Count() }

// Close frees what the plugins of a scheduler hold that is not going to run. Run does so itself.
func (s *Scheduler) Close() error {
	s.stopPlugins()
	var errs []error
	for _, profile := range s.profiles {
		errs = append(errs, profile.Close())
	}
	return errors.Join(errs...)
}
