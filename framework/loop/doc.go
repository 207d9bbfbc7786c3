// Package loop runs control loops on objects of the Kubernetes API: observe, plan, act, again and again.
//
// It is the adapter of package engine to that world: keys are names of objects or of groups of them, worlds are read from a
// cache, actors are API clients, and a manager of controller-runtime says when a pass is due.
//
// A controller says what it reads and what it decides:
//
//	type Controller[T client.Object, W any] interface {
//		Observe(ctx context.Context, view View, obj T) (W, error)
//		Plan(obj T, world W, now time.Time) *plan.Plan
//	}
//
// The loop does all the rest, the same for every controller. The example of this package is a complete one. What has to be
// decided for many objects at once, as which node gets which range of addresses, is a [GroupController].
//
// # What it promises to a controller
//
//   - Observe and Plan see an object of their own: a deep copy, fetched from the cache. An object that is gone ends
//     the pass before them. One that is being deleted (with a deletionTimestamp) does not: finalizers are work.
//   - Own writes are visible. After a pass has written something, the loop does not plan for the same key again
//     until the cache shows what was written, for every kind that Observe reads. A controller needs no expectations.
//     Every write counts: one whose answer was lost, and those by a subresource, which do not tell what became of the
//     object: then the API server is asked. A cache that does not show a write within five minutes, as one with selectors
//     may not, is waited for no longer. What it wrote before a restart is in the first list of a cache whose informers are
//     made by [NewInformer]; of another it is where the API server streams first lists.
//   - The steps of a plan are taken in order; the first failure ends it, but for its status steps.
//   - A conflict is a quiet new pass, be it with a change or with a deletion; conflicts in a row are met with longer and
//     longer rests. An error made by plan.Wait looks again after its time, one made by plan.Stop when something changes, any
//     other with exponential back-off, of a minute at most. What plan.StopAbout says to be wrong with the object is told as an event.
//   - A create that is refused because its namespace is being deleted ends the pass without an error.
//   - Of the events about one object with one reason the first 25 are recorded, and then one every 5 minutes.
//   - A change whose mapping to keys failed is mapped again until that succeeds.
//   - A panic is an error of that one key, and counted in controller_runtime_reconcile_panics_total.
//   - Passes, steps, plans and their history are those of the engine, in metrics, spans and for explaining.
//
// # What it asks of a controller
//
// Plan is pure: the same object, world and time give the same plan, and nothing else happens. Observe reads only through
// the [View] that it is given: from the cache, through Live what no cache holds, through Since what carries no time, and through Remembered what its own plans
// left.
// Package looptest checks what follows from that: that plans come to an end, that doing a pass twice changes nothing, and
// that no crash, stale read or doubled event makes too much or deletes too much.
//
// # What it never does
//
// It knows no concrete kind. By itself it reads nothing from the API server that the cache can tell. It keeps nothing
// that a restart would miss, unless a controller asks for it through Since or Remember.
package loop
