// Package e2e uses Orrery as a person does: by its one binary, from the outside.
//
// Each test has control planes of its own, in a directory of its own, on ports that are free. What a test started is
// stopped and removed when it ends, and what it said is shown when it failed. Tests that run containers need root and are
// left out without it; everything else needs nothing but bin/orrery, which `make build` makes.
package e2e
