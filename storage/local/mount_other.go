//go:build !linux

package local

import (
	"errors"
	"fmt"
)

const readOnly = 1

var errUnsupported = errors.New("volumes are mounted on Linux only")

func mountFlags(options []string) (uintptr, error) {
	if len(options) > 0 {
		return 0, fmt.Errorf("mount options %v: %w", options, errUnsupported)
	}
	return 0, nil
}

func mountAt(string, string) error { return errUnsupported }

func remount(string, uintptr) error { return errUnsupported }

func unmount(string) error { return nil }

func targetsOf(string) ([]string, error) { return nil, nil }
