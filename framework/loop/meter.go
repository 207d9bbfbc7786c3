package loop

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/queue"
)

// The metrics of queues are those of controller-runtime, which has registered them: its dashboards and alerts show our queues too.
var (
	queueDepth = queueGauge(metrics.DepthKey, "Current depth of workqueue by workqueue and priority", "priority")

	queueAdds    = queueCounter(metrics.AddsKey, "Total number of adds handled by workqueue")
	queueRetries = queueCounter(metrics.RetriesKey,
		"Total number of items added to the workqueue with a non-zero delay (rate-limited requeues, explicit RequeueAfter or AddAfter calls)")

	queueWaits = queueHistogram(metrics.QueueLatencyKey, "How long in seconds an item stays in workqueue before being requested")
	queueWork  = queueHistogram(metrics.WorkDurationKey, "How long in seconds processing an item from workqueue takes.")

	queueUnfinished = queueGauge(metrics.UnfinishedWorkKey,
		"How many seconds of work has been done that is in progress and hasn't been observed by work_duration. Large values indicate "+
			"stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.")
	queueLongest = queueGauge(metrics.LongestRunningProcessorKey, "How many seconds has the longest running processor for workqueue been running.")

	queueLabels = []string{"name", "controller"}
)

func queueGauge(name, help string, labels ...string) *prometheus.GaugeVec {
	o := prometheus.GaugeOpts{Subsystem: metrics.WorkQueueSubsystem, Name: name, Help: help}
	return shared(prometheus.NewGaugeVec(o, slices.Concat(queueLabels, labels)))
}

func queueCounter(name, help string) *prometheus.CounterVec {
	return shared(prometheus.NewCounterVec(prometheus.CounterOpts{Subsystem: metrics.WorkQueueSubsystem, Name: name, Help: help}, queueLabels))
}

func queueHistogram(name, help string) *prometheus.HistogramVec {
	return shared(prometheus.NewHistogramVec(prometheus.HistogramOpts{Subsystem: metrics.WorkQueueSubsystem, Name: name, Help: help}, queueLabels))
}

// shared is the metric of controller-runtime's registry that is called and explained as a metric is.
func shared[M prometheus.Collector](m M) M {
	var is prometheus.AlreadyRegisteredError
	if err := metrics.Registry.Register(m); errors.As(err, &is) {
		return is.ExistingCollector.(M)
	} else if err != nil {
		panic(err) // it is explained in other words by now: a mistake of the program, not of its user
	}
	return m
}

// meter measures the queue of a loop.
type meter struct {
	depth               *prometheus.GaugeVec // by urgency
	adds, retries       prometheus.Counter
	waits, work         prometheus.Observer
	unfinished, longest prometheus.Gauge
}

var _ queue.Meter = meter{}

func newMeter(loop string) meter {
	return meter{
		depth:      queueDepth.MustCurryWith(prometheus.Labels{"name": loop, "controller": loop}),
		adds:       queueAdds.WithLabelValues(loop, loop),
		retries:    queueRetries.WithLabelValues(loop, loop),
		waits:      queueWaits.WithLabelValues(loop, loop),
		work:       queueWork.WithLabelValues(loop, loop),
		unfinished: queueUnfinished.WithLabelValues(loop, loop),
		longest:    queueLongest.WithLabelValues(loop, loop),
	}
}

// waiting is how many keys of an urgency are due. There are only a few urgencies: loops have 0 and controller-runtime's for what is listed at
// the start.
func (m meter) waiting(urgency int) prometheus.Gauge {
	return m.depth.WithLabelValues(strconv.Itoa(urgency))
}

func (m meter) Added(urgency int) {
	m.adds.Inc()
	m.waiting(urgency).Inc()
}

func (m meter) Raised(from, to int) {
	m.waiting(from).Dec()
	m.waiting(to).Inc()
}

func (m meter) Got(urgency int, waited time.Duration) {
	m.waiting(urgency).Dec()
	m.waits.Observe(waited.Seconds())
}

func (m meter) Done(took time.Duration) { m.work.Observe(took.Seconds()) }

func (m meter) Dropped(urgency int) { m.waiting(urgency).Dec() }

func (m meter) Retried() { m.retries.Inc() }

func (m meter) Unfinished(total, longest time.Duration) {
	m.unfinished.Set(total.Seconds())
	m.longest.Set(longest.Seconds())
}
