// Package orphanedjobpods lets pods go that no Job will count any more. It is the part of kube-controller-manager's job-controller that
// looks at pods whose Job is over or gone; the other part, Jobs, is package job.
//
// It watches pods with the finalizer batch.kubernetes.io/job-tracking, and Jobs that end or go away. It owns that finalizer of such pods.
//
// # What it promises
//
//   - A pod whose Job still counts keeps the finalizer; so does one whose Job somebody else manages.
//   - That a Job is gone is asked of the API server itself.
package orphanedjobpods
