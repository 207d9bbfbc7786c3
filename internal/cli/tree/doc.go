// Package tree shows an object among its owners and its dependents, with how each of them is.
//
// It promises to find dependents of every kind that can be listed, by their ownerReferences and nothing else; to end with its
// context, and to say then what could not be looked at, so that what is missing is never taken for what is not there; and to show
// an object once, by the first of its names, also where the server has two for it. How an object is, is what kstatus says: the
// same that 'helm --wait' and 'kubectl wait' tools of the ecosystem go by.
//
// Grow reads the cluster. What follows from what it read, the tree and its picture, is pure.
package tree
