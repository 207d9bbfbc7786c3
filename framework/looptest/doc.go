// Package looptest checks control loops (package loop) against thousands of small random worlds, in memory.
//
//	looptest.Check(t, looptest.Spec{
//		Scheme: scheme,
//		Loops:  []loop.Loop{website.Loop()},
//		Start:  func(t *rapid.T) []client.Object { ... },
//	})
//
// # What it checks
//
//   - Fixpoint: left alone, a world comes to rest, and then no loop plans anything. Until then loops are only woken by
//     what they say they watch, so a watch that is missing shows.
//   - Idempotence: another pass over a world at rest changes nothing, whether or not the loop remembers the first.
//   - Crash safety: whatever happens at whichever write (a refusal, an answer that gets lost, a crash), in whatever order
//     and however often the loops run, and however old the world is that they read, no invariant is broken after any
//     write, and the world comes to the same kind of rest. What a loop lists first after a restart may be older than what
//     it wrote, unless Spec.CurrentLists says otherwise.
//   - Blindness: where a read fails (an error, no answer, no right to it), be it of the cache or of the API server, nothing is
//     done that would not be done otherwise, and the error ends the pass or is told by a step. While a loop can read nothing of
//     a kind the world rests too, without a hot loop. That something is not found which is there needs no fault: views are old.
//
// A failure is told as a story, made as short as it can be: who did what, in the words of the plans, and what goes on for ever
// only once. Package rapid makes
// the choices, so that a failure can be repeated and shrinks.
//
// # The world
//
// A World is the part of an API server that loops can tell apart from a map: resourceVersions, UIDs, generations,
// generated names, status as a subresource, optimistic locks and preconditions, all kinds of patches, finalizers,
// graceful deletion, owner references, label and field selectors, and the errors of all that. Objects go through JSON as
// on a real server. A View of it is what an informer cache knows: every change of a kind in order, up to some point.
//
// # What it is not
//
// It has no admission, no validation or defaults of concrete kinds, no authorization and no watch. Server-side apply is
// a three-way merge in which lists are atomic and managers never conflict. Sources of controller-runtime (loop.WatchesRaw)
// are not known to it: a loop that has one passes over everything all the time.
package looptest
