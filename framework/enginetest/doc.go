// Package enginetest checks loops of package engine against models of their worlds, as package looptest does for loops over
// objects of the Kubernetes API. It knows neither.
//
//	enginetest.Check(t, enginetest.Spec[string, lamps, *street, *street]{
//		Start: func(t *rapid.T, env *enginetest.Env) *street { ... },
//		Loop:  func(s *street) engine.Loop[string, lamps, *street] { return lighting{s} },
//		Keys:  func(s *street) []string { ... },
//		State: func(s *street) string { ... },
//	})
//
// # What it checks
//
//   - Fixpoint: left alone, a world comes to rest, and then the loop plans nothing for any key.
//   - Idempotence: another pass over a world at rest changes nothing, whether or not the loop remembers the first.
//   - Crash safety: whatever happens at whichever step or call (it is refused, its answer gets lost, the process ends before
//     or after it), in whatever order passes are made and tasks end, no invariant is broken after any of them, and the world
//     comes to the same kind of rest.
//
// Tasks are really under way: any number of passes and events come between their beginning and the moment when they do what
// they do, which happens even to those that were called off meanwhile. Only one thing happens at a time, so that a failure
// can be repeated. It is told as a story, and package rapid makes that as short as it can.
//
// # What it is not
//
// It does not check what wakes a loop: left alone, every key has pass after pass. A task does what it does at once, with
// nothing in between; what comes in between is for a test that runs the engine by itself.
package enginetest
