// Package wiring puts the parts of a control plane together, once: for the commands, for package envtest, and for tests.
//
// A part is what runs against an API server: the controllers, the scheduler, simulated nodes, a node's agent, the service
// proxy. Each has a constructor here, which takes the [Cluster] that the part is for and the options that callers differ in;
// all else follows from the cluster: the scheme, which kinds there are, which of an object's two names counts, whom Pods
// trust. So no two callers can disagree about it, and a [Preview] shows the plans of the very loops that [NewControllers]
// runs, given the same [Loops].
//
// Every part is a [Part]: it runs until its context ends, and says when it is of use.
//
// It never starts an API server or a process, chooses no addresses and reads no flags or files of its own: that is the
// caller's. Several clusters may have parts in one process.
package wiring
