// Package placement gives the same workload to this scheduler and to kube-scheduler, on one API server, and compares where
// the pods come to lie: the same pods are placed, every constraint holds, and the load is spread as evenly.
//
// It is the comparison from outside, with default configurations and nothing of either scheduler in hand. Decision by
// decision they are compared in scheduler/plugins and scheduler/cycle. It has tests only.
package placement
