// Package etcd runs one etcd member inside this process.
//
// It promises that the member answers on a unix socket that only its owner can open, so there is no port to collide
// with and no certificate to keep; that one data directory is used by one process at a time, and a second one is told
// by whom; that a directory which etcd refuses is one error with the reason, although etcd itself would end the
// process or panic; and that Stop always returns.
//
// It never forms a cluster of several members. For that, run etcd itself and hand its endpoints to the API server.
package etcd
