package topology

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// twoSockets are two sockets with a core each, of two threads that are numbered apart, and a third core that is offline.
func twoSockets() map[string]string {
	files := map[string]string{"cpu/online": "0-3"}
	for cpu, where := range map[int]struct{ socket, siblings string }{0: {"0", "0,2"}, 1: {"1", "1,3,5"}, 2: {"0", "0,2"}, 3: {"1", "1,3,5"}} {
		dir := fmt.Sprintf("cpu/cpu%d/", cpu)
		maps.Copy(files, map[string]string{
			dir + "topology/physical_package_id": where.socket, dir + "topology/thread_siblings_list": where.siblings,
			dir + "cache/index0/level": "1", dir + "cache/index0/shared_cpu_list": fmt.Sprint(cpu),
			dir + "cache/index3/level": "3", dir + "cache/index3/shared_cpu_list": where.siblings,
		})
	}
	return files
}

func TestAMachineIsReadAsTheKernelTells(t *testing.T) {
	files := twoSockets()
	maps.Copy(files, map[string]string{
		"node/node0/cpulist": "0,2", "node/node0/meminfo": "Node 0 MemTotal:        1024 kB\nNode 0 MemFree: 1 kB", "node/node0/distance": "10 21",
		"node/node0/hugepages/hugepages-2048kB/nr_hugepages": "3",
		"node/node1/cpulist": "1,3,5", "node/node1/meminfo": "Node 1 MemTotal: 2048 kB", "node/node1/distance": "21 10",
	})
	m, err := Read(lay(t, files), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(m.CPUs), "map[0:{0 0 0 0} 1:{1 1 1 1} 2:{0 0 0 0} 3:{1 1 1 1}]"; got != want {
		t.Errorf("its CPUs are %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(m.Nodes), "[{0 1048576 map[hugepages-2Mi:6291456] [10 21]} {1 2097152 map[] [21 10]}]"; got != want {
		t.Errorf("its nodes are %s, want %s", got, want)
	}
	if m.Count(Cores) != 2 || m.Each(Cores) != 2 || m.In(m.All(), Sockets, 1).String() != "1,3" {
		t.Errorf("it has %d cores of %d CPUs each, and in socket 1 there are %s", m.Count(Cores), m.Each(Cores), m.In(m.All(), Sockets, 1))
	}
}

func TestWithoutNUMANodesAllIsInOne(t *testing.T) {
	files := twoSockets()
	for cpu := range 4 {
		delete(files, fmt.Sprintf("cpu/cpu%d/cache/index3/level", cpu))
	}
	m, err := Read(lay(t, files), 4096)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Nodes) != 1 || m.Nodes[0].Memory != 4096 || m.Count(NUMANodes) != 1 || m.CPUs[3].Cache != 1 {
		t.Errorf("it is %+v", m)
	}
}

func TestThisMachineCanBeRead(t *testing.T) {
	if _, err := os.Stat(System); err != nil {
		t.Skipf("this is not Linux: %v", err)
	}
	m, err := Read(System, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.CPUs) == 0 || m.Count(Cores) == 0 || len(m.Nodes) == 0 || m.Nodes[0].Memory == 0 {
		t.Errorf("it is %+v", m)
	}
}
