// Package activity knows what control loops, and what belongs to them, have to do: what is under way, which caches do not show
// yet what was written, and what is to be done at some later time. By it a test waits until all is at rest, in the place of a sleep.
//
// A [Tracker] is handed to whoever works: to loops by loop.Options, to the engines that no manager runs, to caches by
// [Tracker.Informers], to clients by [Tracker.Transport]. They tell it of what begins and ends; [Tracker.Rest] returns when nothing is
// left.
//
// # What it promises
//
//   - Rest returns at a moment when nothing was under way, every cache had shown its handlers all that had been written, and nothing was
//     written while that was found out.
//   - What keeps it from returning is in its error when its context ends first.
//   - Nothing is polled, but for parts that can only be asked ([Tracker.Ask]), while somebody waits.
//
// A key that rests for longer than [queue.Pause], for instance because its pass asked to look again in a minute, is at rest, and is among
// those that [Tracker.Due] lists. Shorter rests are no decision about time, as the one for a cache that lags is not: they are taken by the
// real clock, whatever the Tracker's, and count as work.
//
// # What it never does
//
// It sees no work of those that do not tell it: an event that waits to be recorded, a goroutine of the test's own, a cache whose informers
// it did not make.
package activity
