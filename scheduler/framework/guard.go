package framework

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// measured is the part of the three kinds of cycle state that says whether plugin calls are measured.
type measured interface{ ShouldRecordPluginMetrics() bool }

// call runs one method of a plugin. A panic in it becomes an Error status which names the plugin.
func call(ctx context.Context, state measured, point string, plugin fwk.Plugin, run func() *fwk.Status) (status *fwk.Status) {
	name := plugin.Name()
	if state.ShouldRecordPluginMetrics() {
		start := time.Now()
		defer func() {
			metrics.PluginDuration.WithLabelValues(name, point, status.Code().String()).Observe(time.Since(start).Seconds())
		}()
	}
	defer Recovered(ctx, point, name, &status)
	return run()
}

// Recovered turns a panic of a plugin into an Error status that names the plugin and the point. It has to be
// deferred directly.
func Recovered(ctx context.Context, point, plugin string, status **fwk.Status) {
	if reason := recover(); reason != nil {
		*status = panicked(ctx, point, plugin, reason)
	}
}

// recovered is Recovered for a function that calls several plugins and notes which one is running.
func recovered(ctx context.Context, point string, running *string, status **fwk.Status) {
	if reason := recover(); reason != nil {
		*status = panicked(ctx, point, *running, reason)
	}
}

func panicked(ctx context.Context, point, plugin string, reason any) *fwk.Status {
	metrics.PluginPanics.WithLabelValues(plugin, point).Inc()
	err := fmt.Errorf("plugin %q panicked in %s: %v", plugin, point, reason)
	klog.FromContext(ctx).Error(err, "Plugin panicked; the pod's attempt fails and the scheduler goes on",
		"plugin", plugin, "extensionPoint", point, "stack", string(debug.Stack()))
	return fwk.AsStatus(err).WithPlugin(plugin)
}

// timed records how long all plugins of a point took. Use: defer f.timed(Filter, &status)().
func (f *Framework) timed(point string, status **fwk.Status) func() {
	start := time.Now()
	return func() {
		metrics.ExtensionPointDuration.WithLabelValues(point, (*status).Code().String(), f.ProfileName()).
			Observe(time.Since(start).Seconds())
	}
}
