package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

// readings are the metrics of all processes at one moment. A scheduler that does not run yet has used nothing, so that what
// it takes it to start is counted.
type readings struct {
	server, scheduler               families
	serverCPU, schedulerCPU, ownCPU float64 // in seconds
}

type families map[string]*dto.MetricFamily

func (g *stage) scrape(ctx context.Context) (r readings, err error) {
	body, err := g.client.RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return r, fmt.Errorf("reading the server's metrics: %w", err)
	}
	if r.server, err = parseMetrics(bytes.NewReader(body)); err != nil {
		return r, err
	}
	if r.serverCPU, err = cpuOf(ctx, g.server); err != nil {
		return r, err
	}
	r.ownCPU = child.Own().CPU
	if g.scheduler == nil {
		return r, nil
	}
	if body, err = g.scheduler.Get(ctx, "/metrics"); err != nil {
		return r, err
	}
	if r.scheduler, err = parseMetrics(bytes.NewReader(body)); err != nil {
		return r, err
	}
	r.schedulerCPU, err = cpuOf(ctx, g.scheduler)
	return r, err
}

func cpuOf(ctx context.Context, c *child.Child) (float64, error) {
	usage, err := c.Usage(ctx)
	return usage.CPU, err
}

func parseMetrics(text io.Reader) (families, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	result, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	return result, nil
}

// costs takes what the run cost and how long attempts took from the metrics before and after it.
func (f *figures) costs(before, after readings) {
	f.CPU = after.schedulerCPU - before.schedulerCPU
	f.ServerCPU = after.serverCPU - before.serverCPU
	f.BenchmarkCPU = after.ownCPU - before.ownCPU
	f.Requests = after.server.requests()
	for what, count := range before.server.requests() {
		if f.Requests[what] -= count; f.Requests[what] == 0 {
			delete(f.Requests, what)
		}
	}
	if delete(f.Requests, "GET "); f.Requests["POST pods"] <= f.Pods {
		delete(f.Requests, "POST pods")
	}
	f.Attempt = after.scheduler.attempts().minus(before.scheduler.attempts()).spread()
}

// requests counts the finished requests by verb and resource.
func (m families) requests() map[string]int {
	result := map[string]int{}
	for _, metric := range m["apiserver_request_total"].GetMetric() {
		labels := labelsOf(metric)
		what := labels["verb"] + " " + labels["resource"]
		if sub := labels["subresource"]; sub != "" && labels["resource"] != "" {
			what += "/" + sub
		}
		result[what] += int(metric.GetCounter().GetValue())
	}
	return result
}

func labelsOf(metric *dto.Metric) map[string]string {
	result := map[string]string{}
	for _, label := range metric.GetLabel() {
		result[label.GetName()] = label.GetValue()
	}
	return result
}

// buckets is a histogram: how many values were at most each bound, and the sum of all.
type buckets struct {
	upTo map[float64]float64
	sum  float64
}

// attempts is the histogram of the attempts that ended with a pod being bound.
func (m families) attempts() buckets {
	b := buckets{upTo: map[float64]float64{}}
	for _, metric := range m["scheduler_scheduling_attempt_duration_seconds"].GetMetric() {
		if labelsOf(metric)["result"] != "scheduled" {
			continue
		}
		b.sum += metric.GetHistogram().GetSampleSum()
		for _, bucket := range metric.GetHistogram().GetBucket() {
			b.upTo[bucket.GetUpperBound()] += float64(bucket.GetCumulativeCount())
		}
	}
	return b
}

func (b buckets) minus(other buckets) buckets {
	result := buckets{upTo: maps.Clone(b.upTo), sum: b.sum - other.sum}
	for bound, count := range other.upTo {
		result.upTo[bound] -= count
	}
	return result
}

// spread estimates the percentiles as Prometheus does: values lie evenly within a bucket.
func (b buckets) spread() spreadOf {
	bounds := slices.Sorted(maps.Keys(b.upTo))
	if len(bounds) == 0 || b.upTo[bounds[len(bounds)-1]] == 0 {
		return spreadOf{}
	}
	total := b.upTo[bounds[len(bounds)-1]]
	at := func(share float64) float64 {
		low, below := 0.0, 0.0
		for _, bound := range bounds {
			count := b.upTo[bound]
			if count < share*total {
				low, below = bound, count
				continue
			}
			if math.IsInf(bound, 1) {
				return low
			}
			return low + (bound-low)*(share*total-below)/max(count-below, 1)
		}
		return low
	}
	return spreadOf{Average: b.sum / total, P5: at(0.05), P50: at(0.5), P90: at(0.9), P99: at(0.99)}
}
