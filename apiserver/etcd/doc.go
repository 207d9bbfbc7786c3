// Package etcd runs one etcd member inside this process.
//
// It promises that the member answers on a unix socket that only its owner can open, so there is no port to collide
// with and no certificate to keep; that one data directory is used by one process at a time, and a second one is told
// by whom; that a directory which etcd refuses is one error with the reason, although etcd itself would end the
// process or panic; and that Stop always returns.
//
// With a [Peering] the member is one of several, or the first that others join. It then listens on a network, too, for the
// other members and for clients of theirs, and lets in whom an authority has signed that signs nobody else. One that its cluster
// has removed ends with a *[RemovedError], now and at each later start.
//
// Who becomes a member, and who is removed, is decided in package members.
package etcd
