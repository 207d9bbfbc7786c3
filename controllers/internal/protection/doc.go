// Package protection keeps an object from going away while it is in use, by a finalizer on it.
//
// The admission of the API server puts the finalizer on a new object; Keep makes up for it where it did not, and takes the
// finalizer off an object that is deleted and that nobody uses.
//
// It is pure. It never decides what it is to be used: the room that asks does.
package protection
