//go:build !linux

package node

import "errors"

func diskBytes(string) (int64, error) {
	return 0, errors.New("only Linux is supported; use the simulated runtime here")
}
