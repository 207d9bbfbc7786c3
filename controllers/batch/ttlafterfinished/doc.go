// Package ttlafterfinished deletes Jobs when the time has passed that they may lie about after their end. It is
// kube-controller-manager's ttl-after-finished-controller.
//
// It watches Jobs, and owns nothing of theirs.
//
// # What it promises
//
//   - A Job without ttlSecondsAfterFinished, or that is not over, is never deleted.
//   - It goes with its pods, and after them.
//   - A Job whose time was changed in the last moment has the new one: the deletion is good for the Job as it was seen only.
package ttlafterfinished
