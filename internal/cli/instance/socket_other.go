//go:build !linux

package instance

import "path/filepath"

// shortPath is the path of a socket in dir. Only Linux has a way round a path that is too long.
func shortPath(dir, name string) string { return filepath.Join(dir, name) }
