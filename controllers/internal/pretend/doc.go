// Package pretend plays, in package looptest's worlds, the parts of a cluster that controllers of pods rely on: the
// kubelet, and users who make trouble. It is for tests only.
package pretend
