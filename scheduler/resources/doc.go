// Package resources does the arithmetic of scheduling: what a pod asks for, what a node offers, and what a pod is
// counted as when it sits on a node.
//
// Three views of one pod are needed, and they differ on purpose:
//
//   - Requests is what a pending pod has to find free on a node. It looks at the spec alone.
//   - Usage is what a pod takes away from its node. It also looks at the status, because a resize that is under way
//     may still hold more than the spec says.
//   - Usage's NonZero values replace absent CPU and memory requests by a small default. Only scores use them, so that
//     pods without requests spread as well.
//
// The sums over containers, init containers, sidecars, overhead and pod-level resources come from
// k8s.io/component-helpers/resource. This package holds no state and never reads a node's pods.
package resources
