// Command conformance runs Kubernetes' own tests, as upstream writes them, against `orrery up` with real containers: the conformance
// tests, or another suite of those that package tests names.
//
//	make conformance                            # all conformance tests
//	make conformance SIG=apps,auth              # those of some special interest groups
//	make conformance FOCUS='Deployment.*roll'   # those whose names match, as with Ginkgo's --focus
//	make conformance SUITE=netpol               # the suite of NetworkPolicies
//
// It needs no image registry. The tests, and the programs in their images, are built from the Go modules that go.mod pins; the rest of
// the images is Debian. What was made once is kept in bin/conformance, and not made again. The control plane is an instance of its own,
// which is removed at the end, also at Ctrl-C.
//
// Results go to bin/conformance/results, as JSON and JUnit, to the records in this directory, and from there into the tables of
// docs/conformance.md. Why a test does not pass stands in reasons.txt, and is written by hand.
//
// This is a module of its own, so that who imports Orrery does not import what is needed for it.
package main
