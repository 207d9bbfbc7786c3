package scheduler

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Options say what a Scheduler works on and how. Either Config and Scheme or Cluster is required.
type Options struct {
	// Config is how to reach the API server. Where it sets no QPS, requests are not limited on this side; where it sets no
	// content type, it is protobuf if the server has that for pods.
	Config *rest.Config
	// Scheme has the kinds of package apis under the naming that is to be used.
	Scheme *runtime.Scheme
	// Cluster is used in place of Config and Scheme, and shares its cache. Who gives it runs it.
	Cluster cluster.Cluster
	// Configuration is kube-scheduler's, as package config reads it. Nil means all defaults, without leader election.
	Configuration *configv1.KubeSchedulerConfiguration
	// AssumedPodExpires is how long after its binding a pod is counted on its node without the API server showing it
	// there. 0 means for ever.
	AssumedPodExpires time.Duration
	// ExplainPods is how many pods Explain remembers. 0 means 1000.
	ExplainPods int
	// Clock defaults to the real one. Tests step it.
	Clock clock.WithTickerAndDelayedExecution
	// Activity is told of pods that are being placed, and waits for the cache of pods and nodes; nil tells nobody.
	Activity *activity.Tracker
	// Logger defaults to the process's.
	Logger *klog.Logger

	plugins framework.Registry
}

// Option adds to Options what is not a plain value.
type Option func(*Options) error

// WithPlugin makes a plugin known under a name. A profile of the configuration has to enable it.
func WithPlugin(name string, factory framework.Factory) Option {
	return func(o *Options) error { return o.plugins.Register(name, factory) }
}

// complete sets defaults and makes a Cluster where none is given; own reports whether that is so.
func (o *Options) complete() (own bool, err error) {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Logger == nil {
		logger := klog.Background()
		o.Logger = &logger
	}
	if o.Cluster != nil {
		return false, nil
	}
	if o.Config == nil || o.Scheme == nil {
		return false, errors.New("building the scheduler: Options need either Config and Scheme, or Cluster")
	}
	config := rest.CopyConfig(o.Config)
	if config.QPS == 0 {
		config.QPS = -1
	}
	config.DisableCompression = true // as kube-scheduler: it is near the server, which compressing costs more than sending
	if builtIn, err := naming.BuiltIn(o.Scheme, &ocorev1.Pod{}); err != nil {
		return false, fmt.Errorf("building the scheduler's connection to the cluster: %w", err)
	} else if builtIn && config.ContentType == "" {
		// Custom resources are not served in it. For what is, it costs both sides much less than JSON.
		config.ContentType = runtime.ContentTypeProtobuf
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	o.Cluster, err = cluster.New(config, func(c *cluster.Options) {
		c.Scheme = o.Scheme
		c.Logger = *o.Logger
		c.Cache = cache.Options{NewInformer: o.Activity.Informers(o.Scheme, nil), DefaultTransform: cache.TransformStripManagedFields()}
	})
	if err != nil {
		return false, fmt.Errorf("building the scheduler's connection to the cluster: %w", err)
	}
	return true, nil
}
