// Package schedule takes snapshots of a control plane when they are due, and keeps so many of them: a loop whose world is a directory.
//
// It promises that one which was missed while nobody ran is taken soon after the next start, once however many were missed; that a
// snapshot of a person's is counted and kept as its own are, by age alone; and that none is removed before a newer one lies there whole.
//
// It never looks into the store, and leaves alone what lies in the directory of other instances, or is no snapshot.
package schedule
