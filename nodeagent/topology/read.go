package topology

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
)

// System is where the kernel tells how the machine is made.
const System = "/sys/devices/system"

// Read reads how the machine is made. Where the kernel knows no NUMA nodes, all is in one, with so many bytes of memory.
func Read(system string, memory int64) (*Machine, error) {
	m := &Machine{CPUs: map[int]CPU{}}
	online, err := readSet(filepath.Join(system, "cpu", "online"))
	if err != nil {
		return nil, fmt.Errorf("reading which CPUs there are: %w", err)
	}
	for _, number := range online.List() {
		cpu, err := readCPU(filepath.Join(system, "cpu", fmt.Sprintf("cpu%d", number)), number, online)
		if err != nil {
			return nil, fmt.Errorf("reading where CPU %d is: %w", number, err)
		}
		m.CPUs[number] = cpu
	}
	dirs, err := filepath.Glob(filepath.Join(system, "node", "node[0-9]*"))
	if err != nil {
		return nil, fmt.Errorf("looking for NUMA nodes: %w", err)
	}
	for _, dir := range dirs {
		if err := m.readNode(dir); err != nil {
			return nil, fmt.Errorf("reading %s: %w", dir, err)
		}
	}
	if len(m.Nodes) == 0 {
		m.Nodes = []Node{{Memory: memory, Distances: []uint64{10}}}
	}
	slices.SortFunc(m.Nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	return m, nil
}

func readCPU(dir string, number int, online cpuset.CPUSet) (cpu CPU, err error) {
	if cpu.Socket, err = readNumber(filepath.Join(dir, "topology", "physical_package_id")); err != nil {
		return cpu, err
	}
	cpu.Socket = max(cpu.Socket, 0) // which some virtual machines do not know
	threads, err := readSet(filepath.Join(dir, "topology", "thread_siblings_list"))
	if err != nil {
		return cpu, err
	}
	cpu.Core = first(threads.Intersection(online), number)
	cpu.Cache = cpu.Socket
	caches, err := filepath.Glob(filepath.Join(dir, "cache", "index*"))
	if err != nil {
		return cpu, err
	}
	for _, cache := range caches {
		if level, err := readNumber(filepath.Join(cache, "level")); err != nil || level != 3 {
			continue // what is not told is not shared
		}
		shared, err := readSet(filepath.Join(cache, "shared_cpu_list"))
		if err != nil {
			return cpu, err
		}
		cpu.Cache = first(shared.Intersection(online), number)
	}
	return cpu, nil
}

// readNode adds a NUMA node, and puts its CPUs there.
func (m *Machine) readNode(dir string) error {
	id, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "node"))
	if err != nil {
		return err
	}
	cpus, err := readSet(filepath.Join(dir, "cpulist"))
	if err != nil {
		return err
	}
	for _, number := range cpus.UnsortedList() {
		if cpu, online := m.CPUs[number]; online {
			cpu.Node = id
			m.CPUs[number] = cpu
		}
	}
	node := Node{ID: id, HugePages: map[corev1.ResourceName]int64{}}
	if node.Memory, err = readMemory(filepath.Join(dir, "meminfo")); err != nil {
		return err
	}
	pages, err := hugepages.Capacity(filepath.Join(dir, "hugepages"))
	if err != nil {
		return err
	}
	for name, quantity := range pages {
		node.HugePages[name] = quantity.Value()
	}
	text, err := os.ReadFile(filepath.Join(dir, "distance"))
	if err != nil {
		return err
	}
	for word := range strings.FieldsSeq(string(text)) {
		distance, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return err
		}
		node.Distances = append(node.Distances, distance)
	}
	m.Nodes = append(m.Nodes, node)
	return nil
}

// readMemory is the size in a node's meminfo: "Node 0 MemTotal: 24684092 kB".
func readMemory(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 3 && words[2] == "MemTotal:" {
			kilobytes, err := strconv.ParseInt(words[3], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("there is no MemTotal")
}

func readNumber(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// readSet is a list of CPUs such as 0-3,8. A file that is not there lists none.
func readSet(path string) (cpuset.CPUSet, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return cpuset.New(), nil
	}
	if err != nil {
		return cpuset.CPUSet{}, err
	}
	return cpuset.Parse(strings.TrimSpace(string(text)))
}

// first is the lowest number of a set, or another if it is empty.
func first(set cpuset.CPUSet, otherwise int) int {
	if set.IsEmpty() {
		return otherwise
	}
	return set.List()[0]
}
