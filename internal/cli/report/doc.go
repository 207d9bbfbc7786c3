// Package report writes what the scheduler would do, and why, for a person to read: with colour where it goes to a terminal,
// and short however large the cluster is. What is cut off is counted, and stands in the JSON. It decides nothing.
package report
