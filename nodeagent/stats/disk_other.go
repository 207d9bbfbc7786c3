//go:build !linux

package stats

// Occupied is nothing where no containers run.
func Occupied(string) (bytes, inodes int64) { return 0, 0 }

// filesystem is not read where no containers run.
func filesystem(string) (f filesystemSize, ok bool) { return f, false }

// device is not read where no containers run.
func device(string) (number uint64, ok bool) { return 0, false }
