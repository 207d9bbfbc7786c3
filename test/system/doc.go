// Package system holds the loops that keep a cluster in order against a real API server, all of them together: namespaces that
// go away, objects whose owners are gone, nodes that fall silent, and what every namespace is given.
//
// All tests share one server without nodes of its own, and each has a namespace of its own. What a single loop decides is
// tested in its room.
package system
