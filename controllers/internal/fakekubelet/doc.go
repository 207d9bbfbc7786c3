// Package fakekubelet is a kubelet for the worlds of package looptest: it takes pods from binding to Ready and to their end,
// a small step at a time, in whatever order it is asked. It also plays
// users who disturb its pods. It is for tests only, and runs nothing.
package fakekubelet
