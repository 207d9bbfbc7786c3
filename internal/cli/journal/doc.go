// Package journal keeps what the loops of a process, and its scheduler, did lately, in the order in which they did it, and tells it
// to who follows.
//
// It promises to keep the last [Size] plans that were carried out, of all loops together, and no more; to number them without
// gaps, so that a reader which asks for what came after a number misses nothing that is still kept and sees nothing twice; and to
// make no loop wait for a reader. A plan that is carried out several times in a row is one entry. It keeps prose, in memory: a
// process that starts anew has an empty journal.
//
// What a plan is, and what its prose says, is package engine's.
package journal
