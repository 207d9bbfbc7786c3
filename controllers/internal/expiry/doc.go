// Package expiry knows when something that may last for some seconds is over, as a finished Job after its time to live, or a Job's
// active deadline.
//
// It is pure, and promises that what has no limit never ends, and that a limit of 0 is over at once.
package expiry
