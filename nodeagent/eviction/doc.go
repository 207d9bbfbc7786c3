// Package eviction ends pods when the node runs out of something, and those that use more of its disk than they may: the kubelet's
// eviction manager.
//
// Signals (memory.available, nodefs.available, pid.available and so on) say how much the node has left; thresholds say how little is too
// little, at once (hard) or for a while (soft). A threshold that is met makes a node condition true, MemoryPressure, DiskPressure or
// PIDPressure, for the transition period at least; meanwhile Admit keeps pods out. For the first threshold that is due, memory before
// everything else, what the node itself can do without is given up: dead containers of pods that are over, and images that nobody uses. If
// that was not enough, one pod is evicted: first by whether it uses more than it requested, then by priority, then by how much more.
// Nothing else is decided until its containers have ended, or 30 seconds are over.
//
// Limits of local storage are held here too: the sizeLimit of emptyDir volumes on the disk (those in memory are held by the kernel), and
// limits of ephemeral-storage: what a container has written to its own file system and to its log, and with its emptyDir volumes what the
// pod has.
//
// It is a loop of framework/engine with one key. What it remembers (since when a threshold is met, which conditions hold) is lost with the
// agent, as with the kubelet: then grace begins anew. Pods are measured only where that decides something: those with limits of local
// storage, and all of them once a threshold is due.
//
// Reasons, messages, annotations and defaults are the kubelet's; upstream_test.go compares with its manager. Two things differ: of
// thresholds that are due at the same time the kubelet takes any, unless one is about memory, and here they have an order; and node
// conditions have one in messages.
//
// It never ends a static pod, a mirror pod, or one of a system priority class, and asks the kernel for no notice of memory
// (kernelMemcgNotification): it measures every ten seconds.
package eviction
