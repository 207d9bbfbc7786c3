// Package page writes the tables of docs/conformance.md: how many tests of each suite pass, and which do not and why.
//
// It writes what the records say, and a person's reasons by the names of the tests; a suite that was never run is not there.
package page
