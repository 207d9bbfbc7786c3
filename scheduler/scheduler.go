package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/tools/events"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/clients"
	"github.com/orrery-dev/orrery/scheduler/config"
	"github.com/orrery-dev/orrery/scheduler/csi"
	"github.com/orrery-dev/orrery/scheduler/cycle"
	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/mail"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// Scheduler assigns pods to nodes. Build it with New; it runs once.
type Scheduler struct {
	options  Options
	own      bool // the Cluster is ours to run
	config   *configv1.KubeSchedulerConfiguration
	clients  *clients.Clients
	dra      *dra.Manager
	events   events.EventBroadcaster
	mail     *mail.Mail
	api      *api
	profiles map[string]*framework.Framework
	cache    *cache.Cache
	queue    *queue.Queue
	cycle    *cycle.Cycle
	book     *explain.Book
	// life is the context of the plugins: it ends with Run.
	life context.Context
	end  context.CancelFunc
}

// New builds a scheduler. Everything that is wrong with the configuration is an error here and not later; nothing is
// started, and the API server need not be there yet.
func New(options Options, more ...Option) (*Scheduler, error) {
	s := &Scheduler{options: options, api: &api{}}
	s.options.plugins = builtIn(s.api)
	for _, option := range more {
		if err := option(&s.options); err != nil {
			return nil, fmt.Errorf("building the scheduler: %w", err)
		}
	}
	completed, profiles, err := config.Complete(s.options.Configuration, s.options.plugins.Names())
	if err != nil {
		return nil, err
	}
	s.config = completed
	if s.own, err = s.options.complete(); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(context.Background())
	if err := s.build(profiles); err != nil {
		s.end()
		return nil, fmt.Errorf("building the scheduler: %w", err)
	}
	return s, nil
}

func (s *Scheduler) build(profiles []framework.Profile) error {
	if err := metrics.Register(ctrlmetrics.Registry); err != nil {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	s.buildEvents()
	s.buildMemory()
	snapshot := &cache.Snapshot{}
	if err := s.buildProfiles(profiles, snapshot); err != nil {
		return err
	}
	if err := s.buildQueue(); err != nil {
		return err
	}
	s.cycle = &cycle.Cycle{
		Queue: s.queue, Cache: s.cache, Snapshot: snapshot, Profiles: s.profiles, API: s.api, Groups: s.api, Book: s.book,
		Clock: s.options.Clock, PercentageOfNodesToScore: *s.config.PercentageOfNodesToScore,
	}
	return nil
}

// connect builds the ways to the API server: the scheduler's own, the plugins', and the one to devices.
func (s *Scheduler) connect() (err error) {
	if err := s.api.connect(s.options.Cluster); err != nil {
		return err
	}
	names, err := s.naming()
	if err != nil {
		return err
	}
	s.clients, err = clients.New(s.options.Cluster.GetConfig(), s.options.Cluster.GetHTTPClient(), names, s.options.Clock)
	if err != nil {
		return err
	}
	s.dra, err = dra.New(s.life, s.clients.Informers)
	return err
}

// naming returns what the cluster's scheme calls our kinds.
func (s *Scheduler) naming() (apis.Naming, error) {
	builtIn, err := naming.BuiltIn(s.options.Cluster.GetScheme(), &ocorev1.Pod{})
	if builtIn {
		return apis.Kubernetes, err
	}
	return apis.Orrery, err
}

// buildEvents builds the way of Events to the API server, which binding goes before.
func (s *Scheduler) buildEvents() {
	s.mail = mail.New(&events.EventSinkImpl{Interface: s.clients.Set.EventsV1()}, s.busy, s.options.Clock)
	s.events = events.NewBroadcaster(s.mail)
}

// buildMemory builds what the scheduler knows of nodes and pods, and of its own decisions.
func (s *Scheduler) buildMemory() {
	s.cache = cache.New(s.options.AssumedPodExpires)
	s.api.counted = s.cache
	s.book = explain.NewBook(s.options.ExplainPods)
}

func (s *Scheduler) buildProfiles(profiles []framework.Profile, snapshot fwk.SharedLister) error {
	scheme, err := eventScheme(s.options.Cluster.GetScheme())
	if err != nil {
		return err
	}
	s.profiles = map[string]*framework.Framework{}
	onTheWay := framework.NewOnTheWay(s.options.Clock)
	extenders, err := buildExtenders(s.config.Extenders, profiles)
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		built, err := framework.New(s.life, s.options.plugins, profile, framework.Environment{
			Snapshot: snapshot, PodGroups: s.cache.Groups(),
			ClientSet: s.clients.Set, KubeConfig: s.clients.Config, Informers: s.clients.Informers,
			OnTheWay: onTheWay, Extenders: extenders,
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
		Assigned:       s.api.assignedOrGone,
		Clock:          s.options.Clock,
		Logger:         *s.options.Logger,
	}
	for name, profile := range s.profiles {
		options.Less = profile.Less // The same plugin in all profiles.
		options.PreEnqueue[name] = profile.PreEnqueuePlugins()
		if options.Hints[name], err = profile.Hints(s.life); err != nil {
			return fmt.Errorf("building profile %q: %w", name, err)
		}
	}
	if s.queue, err = queue.New(options); err != nil {
		return err
	}
	s.api.nominated = s.queue
	for _, profile := range s.profiles {
		profile.Attach(s.queue, s.queue)
	}
	return s.listenForOthers(options.Hints)
}

// Explain returns the last attempt to schedule a pod, if it is among those remembered.
func (s *Scheduler) Explain(namespace, name string) (explain.Record, bool) {
	return s.book.Get(namespace, name)
}

// Pending returns how many pods wait, and where.
func (s *Scheduler) Pending() queue.Counts { return s.queue.Count() }

// Close frees what the plugins of a scheduler hold that is not going to run. Run does so itself.
func (s *Scheduler) Close() error {
	s.end()
	var errs []error
	for _, profile := range s.profiles {
		errs = append(errs, profile.Close())
	}
	return errors.Join(errs...)
}
