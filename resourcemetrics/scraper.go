package resourcemetrics

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

// Resolution is how often nodes are asked; that of metrics-server's released manifests.
const Resolution = 15 * time.Second

const (
	// appearance is how long after a new node was seen it is asked, and others that appear with it.
	appearance = time.Second
	// firstWindow is how soon nodes are asked again when one answered for the first time: nothing can be told of it before.
	firstWindow = 5 * time.Second
	// scrapeTimeout bounds how long one node may take to answer.
	scrapeTimeout = 10 * time.Second
	// atOnce bounds how many nodes are asked at the same time: fewer than the connections that are kept to one address, where many
	// simulated nodes are.
	atOnce = 16
	// maxAnswer bounds how much one node may tell, in bytes: many times what one with 1,000 containers has to.
	maxAnswer = 16 << 20
)

// What it needs: to know the nodes, to ask them for what they use, and, to answer, the names and labels of pods.
//
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=nodes/metrics,verbs=get
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list

// Options configure a Scraper.
type Options struct {
	// Config is how to reach the API server; nodes know the client by the same credentials, and their certificates are signed by the
	// same authority.
	Config *rest.Config
	// Store is where what they tell is kept.
	Store *Store
	// Resolution is how often nodes are asked; 0 means [Resolution].
	Resolution time.Duration
	Clock      clock.Clock
	Log        logr.Logger
}

// Scraper asks nodes for what they use. It runs once.
type Scraper struct {
	options Options
	http    *http.Client
	factory informers.SharedInformerFactory
	nodes   corelisters.NodeLister
	synced  cache.InformerSynced
	ready   chan struct{}
	// appeared has something in it when there are new nodes.
	appeared chan struct{}
	// asked are the nodes that were asked last.
	asked map[string]bool
}

// NewScraper returns a scraper that asks nobody yet.
func NewScraper(options Options) (*Scraper, error) {
	if options.Resolution == 0 {
		options.Resolution = Resolution
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	client, err := rest.HTTPClientFor(options.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for nodes: %w", err)
	}
	api, err := kubernetes.NewForConfig(options.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(api, 0, informers.WithTransform(trim))
	nodes := factory.Core().V1().Nodes()
	s := &Scraper{
		options: options, http: staying(client), factory: factory, nodes: nodes.Lister(),
		ready: make(chan struct{}), appeared: make(chan struct{}, 1), asked: map[string]bool{},
	}
	registration, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) { s.appear() }})
	if err != nil {
		return nil, fmt.Errorf("watching nodes: %w", err)
	}
	s.synced = registration.HasSynced
	return s, nil
}

// staying is a client that goes nowhere else than it was sent: a node tells of itself only, and does not decide whom its client asks.
func staying(client *http.Client) *http.Client {
	stays := *client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &stays
}

// appear says that there is a new node.
func (s *Scraper) appear() {
	select {
	case s.appeared <- struct{}{}:
	default: // it has been said
	}
}

// trim keeps of a Node what says where it can be asked: there may be thousands.
func trim(obj any) (any, error) {
	node, ok := obj.(*corev1.Node)
	if !ok {
		return obj, nil
	}
	kept := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion}}
	if path := node.Annotations[annotationResourceMetricsPath]; path != "" {
		kept.Annotations = map[string]string{annotationResourceMetricsPath: path}
	}
	kept.Status.Addresses, kept.Status.DaemonEndpoints = node.Status.Addresses, node.Status.DaemonEndpoints
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			kept.Status.Conditions = []corev1.NodeCondition{{Type: condition.Type, Status: condition.Status}}
		}
	}
	return kept, nil
}

// Ready is closed when the nodes are known.
func (s *Scraper) Ready() <-chan struct{} { return s.ready }

// Run asks nodes until ctx ends, and then returns nil.
func (s *Scraper) Run(ctx context.Context) error {
	s.factory.Start(ctx.Done())
	defer s.factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), s.synced) {
		return nil
	}
	close(s.ready)
	all, unknown := s.options.Clock.NewTimer(0), s.options.Clock.NewTimer(s.options.Resolution)
	defer all.Stop()
	defer unknown.Stop()
	for {
		first := false
		select {
		case <-ctx.Done():
			return nil
		case <-s.appeared:
			unknown.Reset(appearance)
		case <-all.C():
			all.Reset(s.options.Resolution)
			first = s.Scrape(ctx)
		case <-unknown.C():
			first = s.round(ctx, func(node string) bool {
				_, known := s.options.Store.Node(node)
				return !known
			})
		}
		if first {
			unknown.Reset(min(firstWindow, s.options.Resolution))
		}
	}
}

// Scrape asks every node once, and says whether one answered for the first time. What nodes told that are gone, or do not answer, is
// forgotten.
func (s *Scraper) Scrape(ctx context.Context) (first bool) {
	before := s.asked
	s.asked = map[string]bool{}
	first = s.round(ctx, func(string) bool { return true })
	for name := range before {
		if !s.asked[name] {
			s.options.Store.Forget(name)
		}
	}
	return first
}

// round asks some of the nodes, and says whether one answered for the first time.
func (s *Scraper) round(ctx context.Context, which func(node string) bool) (first bool) {
	ctx, cancel := context.WithTimeout(ctx, max(s.options.Resolution, scrapeTimeout))
	defer cancel()
	nodes, err := s.nodes.List(labels.Everything())
	if err != nil { // a cache always answers
		s.options.Log.Error(err, "Listing nodes")
		return false
	}
	var group errgroup.Group
	var news atomic.Bool
	group.SetLimit(atOnce)
	for _, node := range nodes {
		if !which(node.Name) {
			continue
		}
		s.asked[node.Name] = true
		group.Go(func() error {
			if s.scrape(ctx, node) {
				news.Store(true)
			}
			return nil
		})
	}
	_ = group.Wait() // errors have been logged
	return news.Load()
}

// scrape asks one node, and says whether it told of itself for the first time.
func (s *Scraper) scrape(ctx context.Context, node *corev1.Node) (first bool) {
	batch, err := s.ask(ctx, node)
	switch {
	case err == nil:
		return s.options.Store.Put(node.Name, batch)
	case ctx.Err() == nil && isReady(node):
		s.options.Log.Error(err, "Asking a node for what it uses", "node", node.Name)
	default:
		s.options.Log.V(1).Info("A node that is not ready did not tell what it uses", "node", node.Name, "error", err.Error())
	}
	s.options.Store.Forget(node.Name)
	return false
}

func isReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// ask asks one node.
func (s *Scraper) ask(ctx context.Context, node *corev1.Node) (Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	address, err := target(node)
	if err != nil {
		return Batch{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Batch{}, fmt.Errorf("asking node %s at %s: %w", node.Name, address, err)
	}
	now := s.options.Clock.Now()
	answer, err := s.http.Do(request)
	if err != nil {
		return Batch{}, fmt.Errorf("asking node %s: %w", node.Name, err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	if answer.StatusCode != http.StatusOK {
		return Batch{}, fmt.Errorf("asking node %s at %s: it answered %s", node.Name, address, answer.Status)
	}
	return decode(io.LimitReader(answer.Body, maxAnswer), now)
}
