// Package faults lets things go wrong in the middle of what a control plane does, and holds it to three promises: everything comes to
// what was asked for, the reason of what cannot is told in a condition or an event, and nothing spins meanwhile.
//
// One API server, whose etcd the suite can reach, serves all specs. The control loops run against it as they do anywhere, each as itself;
// what goes wrong are requests ([envtest.Faults]), clocks, nodes, and objects that no API server would have let in. Each spec has a
// namespace of its own.
//
// A spec that fails tells how far its operation came. `go test ./test/faults -ginkgo.focus 'after errors of the server'` runs one alone.
package faults
