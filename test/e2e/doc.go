// Package e2e uses Orrery as a person does: by its one binary, from the outside.
//
// Each test has control planes of its own, each under a name of its own in one data directory, on ports that are free. Most tests run
// side by side with others, as instances of one machine do, but one at a time with containers. By themselves run those that others could
// disturb: what fills a disk, what is bound to an address of the machine's own, where ports for members are looked for before they are
// taken, what hands a port to a program that is to take it, and three members that are to agree in time.
//
// What a test started is stopped and removed when it ends, and what it said is shown when it failed. Tests that run containers need root
// and are left out without it; everything else needs nothing but bin/orrery, which `make build` makes.
package e2e
