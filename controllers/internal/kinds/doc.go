// Package kinds knows which kinds an API server has: built in, from CustomResourceDefinitions and from aggregated
// servers.
//
// It promises that an object is found under one kind only, however many names the server shows it by, and that a group
// which does not answer hides no other.
//
// It remembers nothing: each call asks the server.
package kinds
