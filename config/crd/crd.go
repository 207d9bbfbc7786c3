// Package crd holds the custom resource definitions of every kind that has two names, as
// controller-gen and crdfinish write them. It holds nothing written by hand.
package crd

import "embed"

// Names holds the definitions without their schemas, one file a kind, under names/: what our own API server installs, which
// turns requests by these names into requests by the first ones. The ones under bases/, with schemas, are for any other.
//
//go:embed names/*.yaml
var Names embed.FS
