// Package crd holds the custom resource definitions of every kind that has two names, as
// controller-gen and crdfinish write them. It holds nothing written by hand.
package crd

import "embed"

// Bases holds the definitions, one file a kind, under bases/.
//
//go:embed bases/*.yaml
var Bases embed.FS
