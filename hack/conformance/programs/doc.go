// Package programs builds what conformance needs from the Go modules that go.mod pins: the suite itself, Ginkgo and kubectl to run it
// with, and the programs inside its images.
//
// It promises that what was built from the same versions with the same Go is not built again, and that a program appears whole or not
// at all. Every program is static.
package programs
