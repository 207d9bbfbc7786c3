// Package queue holds what loops have to do: the keys that are due, and those that will be. It is the queue of every loop, whether a
// manager of controller-runtime makes its passes or an engine does, in a test as on a machine.
//
// # What it promises
//
//   - A key is handed out to one at a time. If it comes again meanwhile, it is handed out again when that one is Done.
//   - More urgent keys come first, and among equals those that came first.
//   - A key that is due need not rest, one that rests rests for the shortest of the times that were asked for, and one that is wanted at
//     once rests no longer.
//   - A queue at rest costs nothing: no goroutine, and no timer but one for each key that rests.
//   - A [Tracker] that it was given knows at each moment what is under way: a key is from when it is due until it is Done.
//
// # What it never does
//
// It decides no time: how long a key rests after failures is up to who adds it.
package queue
