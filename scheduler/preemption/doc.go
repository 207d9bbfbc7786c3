// Package preemption decides which pods have to go so that a more important one finds a place, and sees to it that they
// go. It is made for whoever preempts: a pod that wants one node, or a group of pods that wants places on several.
//
// Like every loop here it observes, plans and acts:
//
//   - Observe: Victims lists what could go from some nodes, NewBudgets reads the PodDisruptionBudgets.
//   - Plan: Select finds the fewest and least important victims for one place, asking a Trial whether the preemptor fits
//     without them. Choose takes the best of several places, and says in a sentence what made it the best. Both are pure:
//     they read no clock, call no API and remember nothing.
//   - Act: an Evictor does what was chosen, beside the scheduling of other pods.
//
// What goes together is one Victim: a pod, or all pods of a group whose disruption mode says so. A victim is preempted
// whole or not at all, and counts with the priority of its group.
//
// Select takes all victims away, in the belief that then the preemptor fits or never will, and gives back as many as it
// can: first those that would violate a budget, and in both lots the more important before the less. So budgets are
// respected where that is possible, and violated where it is not.
//
// Choose goes by these criteria, each only among those that were equal before: fewest violations of budgets, lowest
// priority of the most important victim, lowest sum of priorities, fewest pods, and latest start of the most important
// victims. Of what is still equal, it takes the first.
//
// The package never decides who may preempt, nor which pods are less important than the preemptor; its callers give it
// only those that may go. It never touches the cluster state that the scheduler holds: a Trial works on a copy.
package preemption
