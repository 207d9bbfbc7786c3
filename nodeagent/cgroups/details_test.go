package cgroups

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"
)

func TestDetailsOfVersion2(t *testing.T) {
	f := written(t, true, map[string]string{
		"pod/c/cpu.stat":            "usage_usec 15\nuser_usec 10\nsystem_usec 5\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n",
		"pod/c/memory.stat":         "anon 100\nfile 300\nfile_mapped 30\ninactive_file 200\npgfault 9\npgmajfault 1\n",
		"pod/c/memory.events":       "low 0\nhigh 0\nmax 3\noom 0\n",
		"pod/c/memory.current":      "1000\n",
		"pod/c/memory.swap.current": "50\n",
		"pod/c/memory.peak":         "2000\n",
		"pod/c/memory.max":          "4096\n",
		"pod/c/pids.current":        "6\n",
		"pod/c/cpu.weight":          "100\n",
		"pod/c/cpu.max":             "50000 100000\n",
		"pod/c/cgroup.procs":        "77\n78\n",
	})
	got, ok := f.Details("/pod/c")
	n := ptr.To[uint64]
	want := Details{
		CPU: n(15000), CPUUser: n(10000), CPUSystem: n(5000), Periods: n(4), Throttled: n(2), ThrottledTime: n(7000),
		Memory: n(1000), WorkingSet: n(800), RSS: n(100), Cache: n(300), Mapped: n(30), Swap: n(50), MaxMemory: n(2000), Failures: n(3),
		Faults: n(9), MajorFaults: n(1), Processes: n(6), Shares: n(2597), Period: n(100000), Quota: n(50000), MemoryLimit: n(4096),
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("%v: %s", ok, diff)
	}
	if pid, ok := f.Process("/pod/c"); !ok || pid != 77 {
		t.Errorf("a process of it is %d (%v)", pid, ok)
	}
}

func TestDetailsOfVersion1(t *testing.T) {
	f := written(t, false, map[string]string{
		"cpuacct/pod/c/cpuacct.usage":            "15000\n",
		"cpuacct/pod/c/cpuacct.stat":             "user 3\nsystem 2\n",
		"cpu/pod/c/cpu.stat":                     "nr_periods 4\nnr_throttled 2\nthrottled_time 7000\n",
		"cpu/pod/c/cpu.shares":                   "512\n",
		"cpu/pod/c/cpu.cfs_period_us":            "100000\n",
		"cpu/pod/c/cpu.cfs_quota_us":             "-1\n",
		"memory/pod/c/memory.stat":               "rss 1\ntotal_rss 100\ntotal_cache 300\ntotal_mapped_file 30\ntotal_inactive_file 200\ntotal_swap 50\ntotal_pgfault 9\ntotal_pgmajfault 1\n",
		"memory/pod/c/memory.usage_in_bytes":     "1000\n",
		"memory/pod/c/memory.max_usage_in_bytes": "2000\n",
		"memory/pod/c/memory.failcnt":            "3\n",
		"memory/pod/c/memory.limit_in_bytes":     "9223372036854771712\n",
		"memory/pod/c/cgroup.procs":              "77\n",
		"pids/pod/c/pids.current":                "6\n",
	})
	got, ok := f.Details("/pod/c")
	n := ptr.To[uint64]
	want := Details{
		CPU: n(15000), CPUUser: n(30_000_000), CPUSystem: n(20_000_000), Periods: n(4), Throttled: n(2), ThrottledTime: n(7000),
		Memory: n(1000), WorkingSet: n(800), RSS: n(100), Cache: n(300), Mapped: n(30), Swap: n(50), MaxMemory: n(2000), Failures: n(3),
		Faults: n(9), MajorFaults: n(1), Processes: n(6), Shares: n(512), Period: n(100000),
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("%v: %s", ok, diff)
	}
	if pid, ok := f.Process("/pod/c"); !ok || pid != 77 {
		t.Errorf("a process of it is %d (%v)", pid, ok)
	}
}

func TestAGroupThatIsGoneHasNoDetails(t *testing.T) {
	for _, v2 := range []bool{false, true} {
		f := written(t, v2, nil)
		if got, ok := f.Details("/gone"); ok {
			t.Errorf("%+v", got)
		}
		if pid, ok := f.Process("/gone"); ok {
			t.Errorf("process %d is in it", pid)
		}
	}
}
