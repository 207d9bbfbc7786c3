package cadvisor

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
)

// series is one that each group has at most one of.
type series struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	// of is the figure, which is divided by unit.
	of   func(d *cgroups.Details) *uint64
	unit float64
	// constant labels beyond those of the group.
	labels []string
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
	// nanoseconds are told in seconds.
	nanoseconds = 1e9
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append(append([]string{}, labelNames...), labels...), nil)
}

// figures are the series of control groups, with cAdvisor's names and words.
var figures = []series{
	{describe("container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.", "cpu"), counter, func(d *cgroups.Details) *uint64 { return d.CPU }, nanoseconds, []string{"total"}},
	{describe("container_cpu_user_seconds_total", "Cumulative user cpu time consumed in seconds."), counter, func(d *cgroups.Details) *uint64 { return d.CPUUser }, nanoseconds, nil},
	{describe("container_cpu_system_seconds_total", "Cumulative system cpu time consumed in seconds."), counter, func(d *cgroups.Details) *uint64 { return d.CPUSystem }, nanoseconds, nil},
	{describe("container_cpu_cfs_periods_total", "Number of elapsed enforcement period intervals."), counter, limited(func(d *cgroups.Details) *uint64 { return d.Periods }), 1, nil},
	{describe("container_cpu_cfs_throttled_periods_total", "Number of throttled period intervals."), counter, limited(func(d *cgroups.Details) *uint64 { return d.Throttled }), 1, nil},
	{describe("container_cpu_cfs_throttled_seconds_total", "Total time duration the container has been throttled."), counter, limited(func(d *cgroups.Details) *uint64 { return d.ThrottledTime }), nanoseconds, nil},
	{describe("container_memory_usage_bytes", "Current memory usage in bytes, including all memory regardless of when it was accessed"), gauge, func(d *cgroups.Details) *uint64 { return d.Memory }, 1, nil},
	{describe("container_memory_working_set_bytes", "Current working set in bytes."), gauge, func(d *cgroups.Details) *uint64 { return d.WorkingSet }, 1, nil},
	{describe("container_memory_rss", "Size of RSS in bytes."), gauge, func(d *cgroups.Details) *uint64 { return d.RSS }, 1, nil},
	{describe("container_memory_cache", "Number of bytes of page cache memory."), gauge, func(d *cgroups.Details) *uint64 { return d.Cache }, 1, nil},
	{describe("container_memory_mapped_file", "Size of memory mapped files in bytes."), gauge, func(d *cgroups.Details) *uint64 { return d.Mapped }, 1, nil},
	{describe("container_memory_swap", "Container swap usage in bytes."), gauge, func(d *cgroups.Details) *uint64 { return d.Swap }, 1, nil},
	{describe("container_memory_max_usage_bytes", "Maximum memory usage recorded in bytes"), gauge, func(d *cgroups.Details) *uint64 { return d.MaxMemory }, 1, nil},
	{describe("container_memory_failcnt", "Number of memory usage hits limits"), counter, func(d *cgroups.Details) *uint64 { return d.Failures }, 1, nil},
	{describe("container_memory_failures_total", "Cumulative count of memory allocation failures.", "failure_type", "scope"), counter, func(d *cgroups.Details) *uint64 { return d.Faults }, 1, []string{"pgfault", "hierarchy"}},
	{describe("container_memory_failures_total", "Cumulative count of memory allocation failures.", "failure_type", "scope"), counter, func(d *cgroups.Details) *uint64 { return d.MajorFaults }, 1, []string{"pgmajfault", "hierarchy"}},
	{describe("container_processes", "Number of processes running inside the container."), gauge, func(d *cgroups.Details) *uint64 { return d.Processes }, 1, nil},
}

// limited is a figure that only what has a limit of CPU time has.
func limited(of func(d *cgroups.Details) *uint64) func(d *cgroups.Details) *uint64 {
	return func(d *cgroups.Details) *uint64 {
		if d.Quota == nil {
			return nil
		}
		return of(d)
	}
}

// limits are the series of what groups may use. Of these cAdvisor tells no time.
var limits = []series{
	{describe("container_spec_cpu_period", "CPU period of the container."), gauge, func(d *cgroups.Details) *uint64 { return d.Period }, 1, nil},
	{describe("container_spec_cpu_quota", "CPU quota of the container."), gauge, func(d *cgroups.Details) *uint64 { return d.Quota }, 1, nil},
	{describe("container_spec_cpu_shares", "CPU share of the container."), gauge, func(d *cgroups.Details) *uint64 { return d.Shares }, 1, nil},
	{describe("container_spec_memory_limit_bytes", "Memory limit for the container."), gauge, func(d *cgroups.Details) *uint64 {
		if d.MemoryLimit == nil && d.Memory != nil {
			return new(uint64) // no limit
		}
		return d.MemoryLimit
	}, 1, nil},
}

var (
	startTime = describe("container_start_time_seconds", "Start time of the container since unix epoch in seconds.")
	lastSeen  = describe("container_last_seen", "Last time a container was seen by the exporter")
	fsUsage   = describe("container_fs_usage_bytes", "Number of bytes that are consumed by the container on this filesystem.", "device")
)

// traffic are the series of an interface.
var traffic = []struct {
	desc *prometheus.Desc
	of   func(i *Interface) uint64
}{
	{describe("container_network_receive_bytes_total", "Cumulative count of bytes received", "interface"), func(i *Interface) uint64 { return i.Received.Bytes }},
	{describe("container_network_receive_packets_total", "Cumulative count of packets received", "interface"), func(i *Interface) uint64 { return i.Received.Packets }},
	{describe("container_network_receive_packets_dropped_total", "Cumulative count of packets dropped while receiving", "interface"), func(i *Interface) uint64 { return i.Received.Dropped }},
	{describe("container_network_receive_errors_total", "Cumulative count of errors encountered while receiving", "interface"), func(i *Interface) uint64 { return i.Received.Errors }},
	{describe("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", "interface"), func(i *Interface) uint64 { return i.Sent.Bytes }},
	{describe("container_network_transmit_packets_total", "Cumulative count of packets transmitted", "interface"), func(i *Interface) uint64 { return i.Sent.Packets }},
	{describe("container_network_transmit_packets_dropped_total", "Cumulative count of packets dropped while transmitting", "interface"), func(i *Interface) uint64 { return i.Sent.Dropped }},
	{describe("container_network_transmit_errors_total", "Cumulative count of errors encountered while transmitting", "interface"), func(i *Interface) uint64 { return i.Sent.Errors }},
}
