package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/component-base/metrics/legacyregistry"
	configv1 "k8s.io/kube-scheduler/config/v1"
	kubescheduler "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	upstreamruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/bench/internal/access"
	"github.com/orrery-dev/orrery/scheduler"
)

// scheduleOurs is the role of Orrery's scheduler, set up as `orrery up` does.
func scheduleOurs(ctx context.Context, o schedulerOrder, ready func(schedulerReply) error) error {
	s, err := newOurs(o.Server.Config(), nil)
	if err != nil {
		return err
	}
	if err := ready(schedulerReply{}); err != nil {
		return err
	}
	return s.Run(ctx)
}

func newOurs(connect *rest.Config, configuration *configv1.KubeSchedulerConfiguration, more ...scheduler.Option) (*scheduler.Scheduler, error) {
	http.Handle("/metrics", promhttp.HandlerFor(ctrlmetrics.Registry, promhttp.HandlerOpts{}))
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	return scheduler.New(scheduler.Options{Config: connect, Scheme: scheme, Configuration: configuration}, more...)
}

// scheduleUpstream is the role of kube-scheduler, set up as its own command does without leader election.
func scheduleUpstream(ctx context.Context, o schedulerOrder, ready func(schedulerReply) error) error {
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(o.Gates); err != nil {
		return fmt.Errorf("switching features: %w", err)
	}
	configuration, err := latest.Default()
	if err != nil {
		return fmt.Errorf("making kube-scheduler's default configuration: %w", err)
	}
	run, err := newUpstream(ctx, o.Server.Config(), configuration, nil)
	if err != nil {
		return err
	}
	if err := ready(schedulerReply{}); err != nil {
		return err
	}
	run()
	return nil
}

// newUpstream builds a kube-scheduler whose caches are filled. The returned function schedules until ctx ends.
func newUpstream(ctx context.Context, connect *rest.Config, configuration *config.KubeSchedulerConfiguration, plugins upstreamruntime.Registry) (func(), error) {
	http.Handle("/metrics", legacyregistry.Handler())
	access.InProtobuf(connect).DisableCompression = true // as kube-scheduler's command has it
	client, err := kubernetes.NewForConfig(connect)
	if err != nil {
		return nil, fmt.Errorf("building kube-scheduler's client: %w", err)
	}
	informers := kubescheduler.NewInformerFactory(client, 0, nil)
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return nil, fmt.Errorf("starting to record events: %w", err)
	}
	s, err := kubescheduler.New(ctx, client, informers, nil, profile.NewRecorderFactory(broadcaster),
		kubescheduler.WithKubeConfig(connect),
		kubescheduler.WithProfiles(configuration.Profiles...),
		kubescheduler.WithPercentageOfNodesToScore(configuration.PercentageOfNodesToScore),
		kubescheduler.WithPodInitialBackoffSeconds(configuration.PodInitialBackoffSeconds),
		kubescheduler.WithPodMaxBackoffSeconds(configuration.PodMaxBackoffSeconds),
		kubescheduler.WithParallelism(configuration.Parallelism),
		kubescheduler.WithFrameworkOutOfTreeRegistry(plugins),
	)
	if err != nil {
		return nil, fmt.Errorf("building kube-scheduler: %w", err)
	}
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())
	if err := s.WaitForHandlersSync(ctx); err != nil {
		return nil, fmt.Errorf("filling kube-scheduler's caches: %w", err)
	}
	return func() { s.Run(ctx) }, nil
}
