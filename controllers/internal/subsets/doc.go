// Package subsets brings the subsets of Endpoints into a canonical form, in which they can be compared.
//
// It promises that subsets which say the same (which address is ready, and which is not, on which port) have the same form: each
// port is in one subset, with all its addresses, and ports with the same addresses share one; an address that is said to be ready
// and not ready on a port is not ready there. Addresses are in order of IP and of the UID of what they refer to, ports in order of
// name, number and protocol, and subsets in order of their first port.
//
// An API server of Kubernetes' keeps them in the same form, but for the order, which is that of hashes. So compare forms, not what
// is stored.
//
// It never changes the subsets that it is given, and drops nothing but subsets without an address.
package subsets
