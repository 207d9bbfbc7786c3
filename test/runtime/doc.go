// Package runtime holds the tests that run real containers: the node's containerd, its pod network, its images and its service
// proxy together, as `orrery up` wires them. They need root, Linux and the programs of `make runtime`, and skip where these are missing.
package runtime
