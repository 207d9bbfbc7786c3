package loop

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// View is what a controller observes through. Its own Get and List read from the cache, which may be behind; what they read
// is also what own writes have to show in before the next plan. It is good for one observation.
type View struct {
	client.Reader
	live client.Reader
	look engine.Look
}

// NewView is the view of an observation that no loop makes, as of a test: live answers what is not to come from the cache,
// and nil means that cached does; every fact is seen for the first time at now.
func NewView(cached, live client.Reader, now time.Time) View {
	if live == nil {
		live = cached
	}
	return View{Reader: cached, live: live, look: engine.At(now)}
}

// Lend lends what the cache holds, where that can be: see [Borrow].
func (v View) Lend(ctx context.Context, list client.ObjectList, options ...client.ListOption) ([]client.Object, error) {
	return lend(ctx, v.Reader, list, options)
}

// Live reads from the API server, for what no cache holds: the objects of kinds that are not worth watching, and the one
// that a decision which cannot be taken back rests on. What is read through it is not waited for after own writes, since it
// shows them.
func (v View) Live() client.Reader { return v.live }

// SubResource reads a subresource of objects, as "scale", from the API server; no cache has any.
func (v View) SubResource(name string) client.SubResourceReader {
	if live, can := v.live.(client.SubResourceClientConstructor); can {
		return live.SubResource(name)
	}
	return noSubResources(name)
}

// Review asks the API server a question that it answers in the object which asks it, and does not store, as a SubjectAccessReview. It
// asks as the loop, and needs the right to create what it asks with.
func (v View) Review(ctx context.Context, question client.Object) error {
	server, can := v.live.(client.Writer)
	if !can {
		return fmt.Errorf("asking for a %T: this view has a reader of objects only", question)
	}
	return server.Create(ctx, question)
}

// noSubResources is what a view has that was made of readers which have none.
type noSubResources string

func (n noSubResources) Get(_ context.Context, obj, _ client.Object, _ ...client.SubResourceGetOption) error {
	return fmt.Errorf("reading the subresource %s of %s: this view has a reader of objects only", string(n), client.ObjectKeyFromObject(obj))
}

// Now is the time, for an observation that is about time, as in "no heartbeat has been seen since".
func (v View) Now() time.Time { return v.look.Now() }

// Since is since when the present fact about a subject of this key has been seen without interruption. A fact that an
// observation does not ask for has ended by then. See [engine.Look.Since].
func (v View) Since(subject, fact string) time.Time { return v.look.Since(subject, fact) }

// Remembered is what the last plan for a key of this loop left to later observations ([engine.Plan.Remember]); nil if none has. It
// must not be changed. See [engine.Look.Remembered].
func (v View) Remembered(key client.ObjectKey) any { return v.look.Remembered(key) }

// UnderWay reports that a task of this key is being done. See [engine.Task].
func (v View) UnderWay(task string) bool { return v.look.UnderWay(task) }
