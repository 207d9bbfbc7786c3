// Package rounds is how a manager of the node agent looks after its things: again and again, with the same rest in between, until it is
// stopped. A round that fails is logged, and the next one comes as if it had not.
//
// It is for what nothing tells about, as how full a disk is. What is told is left to loops.
package rounds
