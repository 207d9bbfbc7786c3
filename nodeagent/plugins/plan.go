package plugins

import (
	"context"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
)

// World is a socket, and what was registered by its path.
type World struct {
	// Socket is the one that is there; nil if there is none.
	Socket *socket
	// Registered is the plugin that was registered last; nil if none is.
	Registered *registration
}

// plugins is the Loop as the engine sees it.
type plugins struct{ *Loop }

var _ engine.Loop[string, World, *actor] = plugins{}

// Observe looks at a socket.
func (l plugins) Observe(_ context.Context, _ engine.Look, path string) (World, error) {
	var w World
	there, found, err := socketAt(path)
	if err != nil {
		return w, err
	}
	if found {
		w.Socket = &there
	}
	if r, registered := l.registration(path); registered {
		w.Registered = &r
	}
	if w.Socket == nil && w.Registered == nil {
		return w, engine.ErrGone
	}
	return w, nil
}

// Plan has registered what is there, and nothing else.
func (plugins) Plan(_ string, w World, _ time.Time) *engine.Plan[*actor] {
	plan := &engine.Plan[*actor]{}
	had := w.Registered
	switch {
	case had != nil && w.Socket == nil:
		plan.Do(&deregister{*had, "its socket is gone"})
	case had != nil && had.by != *w.Socket:
		plan.Do(&deregister{*had, "it has a new socket"})
		plan.Do(&register{*w.Socket, "it has a new socket"})
	case had == nil:
		plan.Do(&register{*w.Socket, "it is there, and not registered"})
	default:
		plan.Because("it is registered as " + had.plugin.String())
	}
	return plan
}

// Actor acts on one socket.
func (l plugins) Actor(path string, _ World, _ engine.Turn) *actor { return &actor{l.Loop, path} }

// actor takes the steps about one socket.
type actor struct {
	*Loop
	path string
}
