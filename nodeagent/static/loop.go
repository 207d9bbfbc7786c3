package static

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
)

// Annotations of static pods, and of their mirrors: where the pod comes from, the hash of its manifest, and when it was first seen.
const (
	AnnotationSource = "kubernetes.io/config.source"
	AnnotationHash   = "kubernetes.io/config.hash"
	AnnotationSeen   = "kubernetes.io/config.seen"
)

// The sources of static pods, in the words of AnnotationSource.
const (
	FileSource = "file"
	HTTPSource = "http"
)

// Sink is told which pods the node is to run.
type Sink interface {
	Set(pod *corev1.Pod)
	Remove(uid types.UID)
}

// Options are what the loop needs. One of Path and URL has to be set; Header, Complete, Clock and Log may be left out.
type Options struct {
	// Node is the name of the node.
	Node string
	// Path is a directory with manifests, or one file; "" where there are none.
	Path string
	// URL is where manifests are served, to requests with Header; "" where there are none.
	URL    string
	Header map[string][]string
	// FileEvery and URLEvery are how often each is read.
	FileEvery, URLEvery time.Duration
	// Complete fills in what a manifest leaves out, and says why a pod cannot be static.
	Complete func(*corev1.Pod) error
	Sink     Sink
	Clock    clock.WithTickerAndDelayedExecution
	Log      logr.Logger
}

// Loop reads static pods. It is safe for concurrent use.
type Loop struct {
	Options
	engine *engine.Engine[string, World, *actor]

	mu      sync.Mutex
	running map[string]map[string]*corev1.Pod // by source, and by keys of manifests
	unread  map[string]bool                   // the sources that have not been read once
	removed map[string]bool                   // the files that were seen to go, though they may be back
	seen    chan struct{}
}

// New returns a loop that has read nothing.
func New(options Options) *Loop {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	l := &Loop{Options: options, running: map[string]map[string]*corev1.Pod{}, unread: map[string]bool{}, removed: map[string]bool{}, seen: make(chan struct{})}
	for source, at := range map[string]string{FileSource: options.Path, HTTPSource: options.URL} {
		if at != "" {
			l.unread[source] = true
		}
	}
	l.engine = engine.New(sources{l}, engine.Options[string]{
		Name: "static-pods", Clock: options.Clock, Registerer: metrics.Registry, Log: options.Log,
	})
	return l
}

// Run works until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	var passes sync.WaitGroup
	defer passes.Wait()
	for _, source := range sorted(l.unread) {
		l.engine.Wake(source)
	}
	if l.Path != "" {
		passes.Go(func() { l.watch(ctx) })
	}
	l.engine.Run(ctx)
}

// Seen is closed when each source has been read once: until then nobody knows which pods are static.
func (l *Loop) Seen() <-chan struct{} { return l.seen }

// Inspector shows what would be done next about a source, and what was done last.
func (l *Loop) Inspector() engine.Inspector {
	return engine.Inspect(l.engine, func(key string) (string, error) { return key, nil })
}

// sources is the Loop as the engine sees it.
type sources struct{ *Loop }

var _ engine.Loop[string, World, *actor] = sources{}

// Observe reads a source.
func (l sources) Observe(ctx context.Context, _ engine.Look, source string) (w World, err error) {
	switch source {
	case FileSource:
		w.Every = l.FileEvery
		w.Manifests, err = l.readFiles()
	case HTTPSource:
		w.Every = l.URLEvery
		w.Manifests, err = l.readURL(ctx)
	default:
		return w, engine.ErrGone
	}
	if err != nil {
		return w, fmt.Errorf("reading static pods: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Running, w.Removed = maps.Clone(l.running[source]), maps.Clone(l.removed)
	return w, nil
}

// Plan decides which pods the node is to run.
func (sources) Plan(_ string, w World, _ time.Time) *engine.Plan[*actor] {
	plan := decide(w)
	plan.Do(&noteSeen{})
	return plan
}

// Actor acts on one source.
func (l sources) Actor(source string, _ World, _ engine.Turn) *actor { return &actor{l.Loop, source} }

// actor takes the steps about one source.
type actor struct {
	*Loop
	source string
}

// noteSeen says that a source has been read. It is part of every plan, and changes nothing that anybody reads.
type noteSeen struct{}

func (*noteSeen) Verb() string   { return "note" }
func (*noteSeen) String() string { return "note that the source was read" }
func (*noteSeen) Why() string    { return "" }
func (*noteSeen) Idle() bool     { return true }

// Do never fails.
func (s *noteSeen) Do(ctx context.Context, a *actor) error { return s.Report(ctx, a, nil) }

// Report is taken also where some manifests are of no use: the others have been told.
func (*noteSeen) Report(_ context.Context, a *actor, _ error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if delete(a.unread, a.source); len(a.unread) == 0 {
		select {
		case <-a.seen:
		default:
			close(a.seen)
		}
	}
	return nil
}

func (l *Loop) keep(source, key string, pod *corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[source] == nil {
		l.running[source] = map[string]*corev1.Pod{}
	}
	l.running[source][key] = pod
}

func (l *Loop) drop(source, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running[source], key)
	delete(l.removed, key)
}

// noteRemoved keeps that a file went whose pod runs. Who takes a manifest away and puts it back means the pod to end.
func (l *Loop) noteRemoved(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[FileSource][path] != nil {
		l.removed[path] = true
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
