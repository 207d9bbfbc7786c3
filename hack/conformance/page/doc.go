// Package page keeps the page of conformance, docs/conformance.md: how many tests of each group pass, and which do not and why.
//
// The page is the record. It names each test that does not pass, or did not run; all others pass. A run changes what it is about, and
// leaves the rest. Outcomes are written by the program; reasons are a person's, in a file beside it, by the names of the tests.
package page
