package node

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
)

// DefaultPods is how many pods a node takes; upstream's default.
const DefaultPods = 110

// SimulatedCapacity is what a simulated node has unless it is told otherwise.
func SimulatedCapacity() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("32"),
		corev1.ResourceMemory:           resource.MustParse("256Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
		corev1.ResourcePods:             resource.MustParse(strconv.Itoa(DefaultPods)),
	}
}

// MachineCapacity reads what this machine has. root is a directory on the disk that pods write to.
func MachineCapacity(root string) (corev1.ResourceList, error) {
	memory, err := memoryBytes("/proc/meminfo")
	if err != nil {
		return nil, err
	}
	disk, err := diskBytes(root)
	if err != nil {
		return nil, fmt.Errorf("reading the size of the disk of %s: %w", root, err)
	}
	capacity, err := hugepages.Capacity(hugepages.Dir)
	if err != nil {
		return nil, err
	}
	maps.Copy(capacity, corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memory, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(disk, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(DefaultPods, resource.DecimalSI),
	})
	return capacity, nil
}

func memoryBytes(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("reading the memory's size: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the memory's size in %s: %w", path, err)
			}
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("reading the memory's size in %s: there is no MemTotal", path)
}

// MachineInfo reads what this machine is. What cannot be read stays empty.
func MachineInfo() corev1.NodeSystemInfo {
	return corev1.NodeSystemInfo{
		MachineID:       first("/etc/machine-id"),
		SystemUUID:      first("/sys/class/dmi/id/product_uuid", "/etc/machine-id"),
		BootID:          first("/proc/sys/kernel/random/boot_id"),
		KernelVersion:   first("/proc/sys/kernel/osrelease"),
		OSImage:         osImage("/etc/os-release"),
		OperatingSystem: runtime.GOOS,
		Architecture:    runtime.GOARCH,
	}
}

// first returns the content of the first file that can be read.
func first(paths ...string) string {
	for _, path := range paths {
		if content, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(content))
		}
	}
	return ""
}

func osImage(path string) string {
	for line := range strings.Lines(first(path)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// SwapOn says whether a file like /proc/swaps names any swap after its heading.
func SwapOn(path string) bool {
	lines := strings.Split(first(path), "\n")
	return len(lines) > 1
}
