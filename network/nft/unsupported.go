//go:build !linux

package nft

import "context"

// RemoveTables has nothing to remove.
func RemoveTables(context.Context, func(name string) bool) error { return nil }
