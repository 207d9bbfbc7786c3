package cadvisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Interface is a network interface, and what has passed it.
type Interface struct {
	Name           string
	Received, Sent Traffic
}

// Traffic is what has passed an interface one way.
type Traffic struct{ Bytes, Packets, Errors, Dropped uint64 }

// NetworkStats are interfaces as the summary of a node tells of them: the first, or eth0, stands for all.
func NetworkStats(now time.Time, interfaces []Interface) *statsv1alpha1.NetworkStats {
	if len(interfaces) == 0 {
		return nil
	}
	stats := &statsv1alpha1.NetworkStats{Time: metav1.NewTime(now)}
	for i := range interfaces {
		each := &interfaces[i]
		of := statsv1alpha1.InterfaceStats{
			Name: each.Name, RxBytes: &each.Received.Bytes, RxErrors: &each.Received.Errors, TxBytes: &each.Sent.Bytes, TxErrors: &each.Sent.Errors,
		}
		stats.Interfaces = append(stats.Interfaces, of)
		if i == 0 || each.Name == defaultInterface {
			stats.InterfaceStats = of
		}
	}
	return stats
}

const defaultInterface = "eth0"

// MachineNetwork are the interfaces of the machine, as this process sees them; none, where they cannot be read.
func MachineNetwork(now time.Time) *statsv1alpha1.NetworkStats {
	interfaces, err := interfacesOf("/proc", os.Getpid())
	if err != nil {
		return nil
	}
	return NetworkStats(now, interfaces)
}

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
