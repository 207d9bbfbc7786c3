// Package loop runs control loops: observe, plan, act, again and again.
//
// A controller says what it reads and what it decides:
//
//	type Controller[T client.Object, W any] interface {
//		Observe(ctx context.Context, read client.Reader, obj T) (W, error)
//		Plan(obj T, world W, now time.Time) *plan.Plan
//	}
//
// The loop does all the rest, the same for every controller. The example of this package is a complete one.
//
// # What it promises to a controller
//
//   - Observe and Plan see an object of their own: a deep copy, fetched from the cache. An object that is gone ends
//     the pass before them. One that is being deleted (with a deletionTimestamp) does not: finalizers are work.
//   - Own writes are visible. After a pass has written something, the loop does not plan for the same object again
//     until the cache shows what was written, for every kind that Observe reads. A controller needs no expectations.
//     A write whose answer was lost counts as well: the API server is asked what became of it. A cache that does not
//     show a write within five minutes, as one with selectors may not, is waited for no longer.
//   - The steps of a plan are taken in order; the first failure ends it, but for its status steps.
//   - A conflict is a quiet new pass. An error made by plan.Wait looks again after its time, one made by plan.Stop when
//     something changes, any other with exponential back-off.
//   - A create that is refused because its namespace is being deleted ends the pass without an error.
//   - A panic is an error of that one object, and counted in controller_runtime_reconcile_panics_total.
//   - Passes, steps, the size of plans and waits for the cache are counted in metrics; a pass is an OpenTelemetry span,
//     with its observation, plan and steps below it; the last plans of each object are kept for explaining.
//
// # What it asks of a controller
//
// Plan is pure: the same object, world and time give the same plan, and nothing else happens. Observe reads only through
// the reader that it is given; through [Live] of it what no cache holds, and through [Since] what carries no time.
// Package looptest checks what follows from that: that plans come to an end, that doing a pass twice changes nothing, and
// that no crash, stale read or doubled event makes too much or deletes too much.
//
// # What it never does
//
// It knows no concrete kind. By itself it reads nothing from the API server that the cache can tell. It keeps nothing
// that a restart would miss, unless a controller asks for it through [Since].
package loop
