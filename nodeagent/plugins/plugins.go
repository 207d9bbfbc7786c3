package plugins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
)

// Dir is the directory of registrations, below the node's.
const Dir = "plugins_registry"

// lookEvery is how often the directory is looked through.
const lookEvery = time.Second

// Plugin is what a plugin says of itself.
type Plugin struct {
	// Type is CSIPlugin, DRAPlugin or DevicePlugin.
	Type string
	Name string
	// Endpoint is the socket at which it does its work.
	Endpoint string
	// Versions are those of its API that it speaks.
	Versions []string
}

// String names the plugin.
func (p Plugin) String() string { return p.Type + " " + p.Name }

// Handler is who uses plugins of one type.
type Handler interface {
	// Register takes a plugin into use. An error refuses it: the plugin is told, and asked again later.
	Register(ctx context.Context, plugin Plugin) error
	// Deregister says that a plugin which was registered is not there any more.
	Deregister(ctx context.Context, plugin Plugin) error
}

// Options are what the loop needs. Clock and Log may be left out.
type Options struct {
	// Dir is the directory of registrations; it is made if it is not there.
	Dir string
	// Handlers are by types of plugins.
	Handlers map[string]Handler
	Clock    clock.WithTickerAndDelayedExecution
	Log      logr.Logger
}

// Loop registers the plugins of one node.
type Loop struct {
	Options
	engine *engine.Engine[string, World, *actor]

	mu         sync.Mutex
	registered map[string]registration
}

// registration is a plugin with the socket by which it was registered.
type registration struct {
	plugin Plugin
	by     socket
}

// New returns a loop that has registered nothing.
func New(options Options) *Loop {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	l := &Loop{Options: options, registered: map[string]registration{}}
	l.engine = engine.New(plugins{l}, engine.Options[string]{
		Name: "plugins", Clock: options.Clock, Registerer: metrics.Registry, Log: options.Log,
	})
	return l
}

// Run works until ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	if err := os.MkdirAll(l.Dir, 0o750); err != nil {
		return fmt.Errorf("making the directory of plugins: %w", err)
	}
	var passes sync.WaitGroup
	passes.Go(func() { l.engine.Run(ctx) })
	defer passes.Wait()
	l.watch(ctx)
	return nil
}

// watch wakes what has changed, until ctx ends.
func (l *Loop) watch(ctx context.Context) {
	ticker := l.Clock.NewTicker(lookEvery)
	defer ticker.Stop()
	known := map[string]socket{}
	for {
		found, err := sockets(l.Dir)
		if err != nil {
			l.Log.Error(err, "Looking for plugins")
		} else {
			l.wakeChanged(known, found)
			known = found
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

func (l *Loop) wakeChanged(before, now map[string]socket) {
	for path, is := range now {
		if was, known := before[path]; !known || was != is {
			l.engine.Wake(path)
		}
	}
	for path := range before {
		if _, there := now[path]; !there {
			l.engine.Wake(path)
		}
	}
}

func (l *Loop) registration(path string) (registration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, found := l.registered[path]
	return r, found
}

func (l *Loop) keep(path string, r registration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.registered[path] = r
}

func (l *Loop) drop(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.registered, path)
}

// name is how people call a socket: its path below the directory.
func (l *Loop) name(path string) string {
	if name, err := filepath.Rel(l.Dir, path); err == nil {
		return name
	}
	return path
}
