//go:build !linux

package volumes

import "errors"

func mountMemory(string, int64) (bool, error) {
	return false, errors.New("volumes in memory are only supported on Linux; use the simulated runtime here")
}

func unmountBelow(string) error { return nil }
