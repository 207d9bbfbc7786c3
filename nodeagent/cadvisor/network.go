package cadvisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Interface is a network interface, and what has passed it.
type Interface struct {
	Name           string
	Received, Sent Traffic
}

// Traffic is what has passed an interface one way.
type Traffic struct{ Bytes, Packets, Errors, Dropped uint64 }

// interfacesOf are those of the network that a process is on, but for its loopback.
func interfacesOf(proc string, pid int) ([]Interface, error) {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "net", "dev"))
	if err != nil {
		return nil, fmt.Errorf("reading the interfaces of process %d: %w", pid, err)
	}
	return interfaces(string(text)), nil
}

// interfaces reads /proc/PID/net/dev: two lines of headings, and then a line with 8 figures each of what came and what went.
func interfaces(text string) (found []Interface) {
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if name = strings.TrimSpace(name); !ok || len(fields) < 16 || name == "lo" {
			continue
		}
		found = append(found, Interface{Name: name, Received: readTraffic(fields[:4]), Sent: readTraffic(fields[8:12])})
	}
	return found
}

func readTraffic(fields []string) Traffic {
	var values [4]uint64
	for i := range values {
		values[i], _ = strconv.ParseUint(fields[i], 10, 64) // the kernel writes numbers
	}
	return Traffic{Bytes: values[0], Packets: values[1], Errors: values[2], Dropped: values[3]}
}
