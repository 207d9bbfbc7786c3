package socket

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// longest is how long the path of a socket may be, without its closing zero.
const longest = 107

// held are the directories that paths lead through.
var held sync.Map

// Path is a path by which this process can listen on a socket or dial it. The directory has to be there.
func Path(path string) string {
	if len(path) <= longest {
		return path
	}
	dir, name := filepath.Split(path)
	opened, ok := held.Load(dir)
	if !ok {
		file, err := os.Open(dir)
		if err != nil {
			return path // listening or dialing tells what is wrong with it
		}
		opened, _ = held.LoadOrStore(dir, file)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", opened.(*os.File).Fd(), name)
}
