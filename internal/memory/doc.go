// Package memory makes a process keep little more memory than it uses.
//
// Go's collector lets a heap grow by a share of what is in use before it collects, and gives back slowly what it does not need. A
// control plane lives otherwise: it starts with a burst, rests, has bursts again, and what a burst leaves behind should be somebody
// else's. So [Follow] sets Go's soft limit (the one of GOMEMLIMIT) after every collection, and every few seconds, to what is in
// use at that time and a reserve: as much as the process allocates in half a minute at its present rate, but never less than 16 MiB
// and never more than half of what is in use.
//
// It promises that
//
//   - at rest the process holds the reserve beyond what it uses, and the collector runs about twice a minute;
//   - in a burst the collector runs when half as much has been allocated as is in use;
//   - the memory of a burst is given back within a minute of its end;
//   - pages of the program itself which only the start, or a burst, has needed are then no longer in its memory.
//
// The limit never holds a process back that needs more: it is only where the next collection begins. Where GOGC or GOMEMLIMIT is
// set, that is what somebody wants, and the package changes nothing.
package memory
