// Package checkpoint keeps what the agent has to know after it was started anew in files of the node's directory: what pods were given
// for themselves of devices, CPUs and memory.
//
// A file is replaced as a whole, and is on the disk when Write returns: after a crash it is there as it was before or as it is now, and
// nothing in between. It is for root alone (0600).
package checkpoint
