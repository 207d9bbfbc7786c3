package node

import "golang.org/x/sys/unix"

func diskBytes(path string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return 0, err
	}
	return int64(fs.Blocks) * fs.Bsize, nil
}
