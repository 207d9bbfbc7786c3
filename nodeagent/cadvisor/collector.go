package cadvisor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Machine is what /metrics/cadvisor tells of the machine itself.
type Machine struct {
	MachineID, SystemUUID, BootID string
	Cores                         int
	// Memory is in bytes.
	Memory int64
}

// Collector writes what was read in Prometheus' terms.
type Collector struct {
	Machine Machine
	Groups  []Group
	// Now is when they were read.
	Now time.Time
	// Failed says that they could not be.
	Failed bool
}

// Describe implements prometheus.Collector: with no description of what comes nothing is checked against one.
func (Collector) Describe(chan<- *prometheus.Desc) {}

var (
	machineLabels  = []string{"boot_id", "machine_id", "system_uuid"}
	machineCores   = prometheus.NewDesc("machine_cpu_cores", "Number of logical CPU cores.", machineLabels, nil)
	machineMemory  = prometheus.NewDesc("machine_memory_bytes", "Amount of memory installed on the machine.", machineLabels, nil)
	machineError   = prometheus.NewDesc("machine_scrape_error", "1 if there was an error while getting machine metrics, 0 otherwise.", nil, nil)
	containerError = prometheus.NewDesc("container_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise", nil, nil)
)

// Collect implements prometheus.Collector.
func (c Collector) Collect(to chan<- prometheus.Metric) {
	failed := 0.0
	if c.Failed {
		failed = 1
	}
	to <- prometheus.MustNewConstMetric(containerError, gauge, failed)
	to <- prometheus.MustNewConstMetric(machineError, gauge, 0)
	of := []string{c.Machine.BootID, c.Machine.MachineID, c.Machine.SystemUUID}
	c.timed(to, machineCores, gauge, float64(c.Machine.Cores), of...)
	c.timed(to, machineMemory, gauge, float64(c.Machine.Memory), of...)
	for i := range c.Groups {
		c.group(to, &c.Groups[i])
	}
}

func (c Collector) group(to chan<- prometheus.Metric, g *Group) {
	labels := g.labels()
	with := func(more ...string) []string { return append(append([]string{}, labels...), more...) }
	if !g.Start.IsZero() {
		to <- prometheus.MustNewConstMetric(startTime, gauge, float64(g.Start.Unix()), labels...)
	}
	c.timed(to, lastSeen, gauge, float64(c.Now.Unix()), labels...)
	for _, limit := range limits {
		if value := limit.of(&g.Details); value != nil {
			to <- prometheus.MustNewConstMetric(limit.desc, limit.kind, float64(*value), labels...)
		}
	}
	for _, figure := range figures {
		if value := figure.of(&g.Details); value != nil {
			c.timed(to, figure.desc, figure.kind, float64(*value)/figure.unit, with(figure.labels...)...)
		}
	}
	if g.Written != nil {
		c.timed(to, fsUsage, gauge, float64(*g.Written), with(g.Device)...)
	}
	for i := range g.Network {
		for _, each := range traffic {
			c.timed(to, each.desc, counter, float64(each.of(&g.Network[i])), with(g.Network[i].Name)...)
		}
	}
}

// timed writes a figure with the time at which it was read.
func (c Collector) timed(to chan<- prometheus.Metric, desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	to <- prometheus.NewMetricWithTimestamp(c.Now, prometheus.MustNewConstMetric(desc, kind, value, labels...))
}
