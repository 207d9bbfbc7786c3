// Package engine runs control loops: observe, plan, act, again and again, for any kind of key and any kind of world.
//
//	type Loop[K comparable, W, A any] interface {
//		Observe(ctx context.Context, look Look, key K) (W, error)
//		Plan(key K, world W, now time.Time) *Plan[A]
//		Actor(key K, world W, turn Turn) A
//	}
//
// A key says what a pass is about: an object, a pod's UID, a zone, or, with a key of which there is only one, everything
// at once. A world is all that a decision rests on. A plan is data: steps, each with the sentence that says why. An actor
// is what the steps act with: an API client, a container runtime, a table in the kernel.
//
// Every loop of this project is a loop of this engine. Package loop adapts it to objects of the Kubernetes API and to the
// managers of controller-runtime, which then say when a pass is due; [Engine.Run] says so where there is no manager.
//
// # What it promises
//
//   - A key has one pass at a time.
//   - The steps of a plan are taken in order, up to the first that fails; a [Reporter] is taken all the same.
//   - A [Task] is a step that nobody waits for: the passes of its key go on while it is under way, it is not begun twice,
//     and it is called off by the first plan that does not want it any more.
//   - Every error says what happens next: see [Wait], [Stop], [Retry], [ErrGone]; any other is reported and backed off.
//   - Passes, steps, the sizes of plans and panics are counted in metrics; a pass is an OpenTelemetry span, with its
//     observation, plan and steps below it; the last plans of each key are kept ([Engine.Recent]).
//   - A panic in a pass or task is an error of its key, and counted, when the engine runs by itself. A pass that somebody
//     else asks for panics at that caller.
//   - What it remembers of a key is forgotten when Observe says that the key is gone.
//
// # What it asks of a loop
//
// Plan is pure: no client, no clock, no randomness, and the same world gives the same plan. A step can be taken again
// after it failed halfway or after nobody learned that it succeeded.
//
// # What it never does
//
// It knows no Kubernetes kind and no client, decides nothing, and keeps nothing that a restart would miss but pace: since
// when a fact has been seen, what has been said, how long to wait after a failure, and what plans ask it to ([Plan.Remember]).
package engine
