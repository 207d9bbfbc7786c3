// Package explain says why each pod is where it is, or nowhere.
//
// There are two sources. A History remembers what was decided: for the last attempt of each of the most recent pods, which
// plugin refused which nodes with what reason, and how the best nodes were scored. Its memory is bounded: a fixed number
// of pods, of node names per reason, and of scored nodes. What is cut off is counted, so that totals stay right.
//
// Examine looks anew and at everything: it asks every plugin about every node, past the first refusal, adds to each refusal
// by how much and what would have to change, and tries those changes on copies of the pod and the node. What it says would
// fit has been seen to fit. By how much, and what would help, the plugins say (RefusalExplainer, ScoreExplainer); those that
// do not are quoted with their reasons.
//
// Neither ever influences a decision.
package explain
