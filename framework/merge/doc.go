// Package merge makes JSON merge patches: from one state of an object to another, and on condition that nobody has changed
// the object meanwhile.
//
// It promises that a patch holds what differs and nothing else, that numbers keep all their digits, and that a locked patch
// is refused with a conflict on any other version of the object. Lists are replaced as a whole, as RFC 7386 has it: that is
// why whoever patches one has to lock.
//
// It writes nothing, and knows no kind.
package merge
