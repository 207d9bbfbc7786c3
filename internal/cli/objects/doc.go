// Package objects finds objects of any kind in a cluster, by what people call them.
//
// It promises to know every kind that the server serves, also one that was defined a moment ago; to take for a kind any word that
// kubectl takes, in either case: its name, its resource, a short name, each with a group behind it or without; and to read nothing
// of an object but its metadata unless it is asked for the whole. Each request ends with its context.
package objects
