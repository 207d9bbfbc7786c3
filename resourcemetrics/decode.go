package resourcemetrics

import (
	"fmt"
	"io"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/types"
)

// decode reads what a node tells at /metrics/resource. Figures without a time of their own were measured at now.
//
// A node without CPU or memory is left out, and so is a pod of which a container lacks one of both: it has just started, or is just
// ending, and to take nothing for what it uses would be wrong.
func decode(text io.Reader, now time.Time) (Batch, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return Batch{}, fmt.Errorf("reading the figures of a node: %w", err)
	}
	d := decoder{now: now, pods: map[types.NamespacedName]map[string]Point{}}
	d.each(families["node_cpu_usage_seconds_total"], func(p *Point, value float64) { p.CPU = amount(value * 1e9) })
	d.each(families["node_memory_working_set_bytes"], func(p *Point, value float64) { p.Memory = amount(value) })
	d.each(families["container_memory_working_set_bytes"], func(p *Point, value float64) { p.Memory = amount(value) })
	// After memory: the time of a point is that of its CPU.
	d.each(families["container_cpu_usage_seconds_total"], func(p *Point, value float64) { p.CPU = amount(value * 1e9) })
	d.starts(families["container_start_time_seconds"])
	return d.batch(), nil
}

type decoder struct {
	now  time.Time
	node Point
	pods map[types.NamespacedName]map[string]Point
}

// each sets the points that a family tells of, and their times.
func (d *decoder) each(family *dto.MetricFamily, set func(p *Point, value float64)) {
	for _, metric := range family.GetMetric() {
		at := d.now
		if metric.TimestampMs != nil {
			at = time.UnixMilli(metric.GetTimestampMs())
		}
		d.point(metric, func(p *Point) {
			p.Time = at
			set(p, value(metric))
		})
	}
}

// starts sets when containers were started, of those that something else is told of.
func (d *decoder) starts(family *dto.MetricFamily) {
	for _, metric := range family.GetMetric() {
		d.point(metric, func(p *Point) {
			if !p.Time.IsZero() {
				p.Start = time.Unix(0, int64(value(metric)*1e9))
			}
		})
	}
}

// point changes the point that a metric is of: the node's, if it names no container.
func (d *decoder) point(metric *dto.Metric, change func(p *Point)) {
	labels := map[string]string{}
	for _, pair := range metric.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	container, named := labels["container"]
	if !named {
		change(&d.node)
		return
	}
	pod := types.NamespacedName{Namespace: labels["namespace"], Name: labels["pod"]}
	if d.pods[pod] == nil {
		d.pods[pod] = map[string]Point{}
	}
	p := d.pods[pod][container]
	change(&p)
	d.pods[pod][container] = p
}

// batch leaves out what is not complete.
func (d *decoder) batch() Batch {
	batch := Batch{Pods: map[types.NamespacedName]map[string]Point{}}
	if d.node.CPU > 0 && d.node.Memory > 0 {
		batch.Node = &d.node
	}
	for pod, containers := range d.pods {
		if complete(containers) {
			batch.Pods[pod] = containers
		}
	}
	return batch
}

func complete(containers map[string]Point) bool {
	for name, p := range containers {
		if p.Time.IsZero() {
			delete(containers, name) // only its start is told
		} else if p.CPU == 0 || p.Memory == 0 {
			return false
		}
	}
	return len(containers) > 0
}

func value(metric *dto.Metric) float64 {
	switch {
	case metric.GetCounter() != nil:
		return metric.GetCounter().GetValue()
	case metric.GetGauge() != nil:
		return metric.GetGauge().GetValue()
	default:
		return metric.GetUntyped().GetValue()
	}
}

// amount is what can be counted of a figure.
func amount(value float64) uint64 {
	if math.IsNaN(value) || value < 0 {
		return 0
	}
	if value >= math.MaxInt64 {
		return math.MaxInt64
	}
	return uint64(value)
}
