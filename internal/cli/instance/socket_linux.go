package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// longestSocket is how long a unix socket's path may be, without its closing zero.
const longestSocket = 107

// openDirs holds directories open for as long as the process lives, so that a path through them stays good.
var openDirs sync.Map

// shortPath is the path of a socket in dir, by way of /proc where it would be too long.
func shortPath(dir, name string) string {
	path := filepath.Join(dir, name)
	if len(path) <= longestSocket {
		return path
	}
	opened, ok := openDirs.Load(dir)
	if !ok {
		file, err := os.Open(dir)
		if err != nil {
			return path // listening or dialing tells what is wrong with it
		}
		opened, _ = openDirs.LoadOrStore(dir, file)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", opened.(*os.File).Fd(), name)
}
