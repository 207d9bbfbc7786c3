//go:build !linux

package socket

// Path is the path itself.
func Path(path string) string { return path }
