// Package record keeps what became of each test of a suite, in a file of lines: its outcome, the commit that it was run on, and its name.
//
// A run changes the lines of the tests that it is about, and leaves the rest. A test that never ran to its end says so. The order is the
// suite's, so that a difference between two files is one between two runs.
package record
