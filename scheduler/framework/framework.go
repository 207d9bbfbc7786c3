package framework

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
)

// Environment is what the plugins of all profiles share.
type Environment struct {
	// Snapshot is the state of the cluster at the start of the current attempt. Required. Plugins can try changes on it
	// if it is a fwk.MutableSnapshotSharedLister.
	Snapshot fwk.SharedLister
	// Clients of the API server for plugins, given out by the Handle as they are. Each may be nil when no plugin asks.
	ClientSet  clientset.Interface
	KubeConfig *restclient.Config
	Informers  informers.SharedInformerFactory
	CSI        fwk.CSIManager
	// DynamicResources knows claims and devices. Nil means that they are not supported.
	DynamicResources fwk.SharedDRAManager
	// BindingPods holds the pods of all profiles that can still be called off, so that any profile can preempt them. Nil
	// means that this profile knows its own only.
	BindingPods *BindingPods
	// Nominator has the nominations of pods to nodes. Nil means that there are none.
	Nominator fwk.PodNominator
	// Extenders are asked after the plugins, in this order.
	Extenders []fwk.Extender
	// Recorder returns the recorder whose events come from a profile's scheduler name. May be nil as above.
	Recorder func(profile string) events.EventRecorderLogger
	// PodGroups is what is known of pod groups at this moment. Nil means that pods are scheduled one by one.
	PodGroups fwk.PodGroupManager
	// Parallelism is the number of goroutines that filter and score nodes. 0 means 16.
	Parallelism int
	// Clock times Permit. Nil means the real clock.
	Clock clock.WithDelayedExecution
}

// Profile says which plugins a Framework has.
type Profile struct {
	// SchedulerName is the spec.schedulerName of the pods that it schedules.
	SchedulerName string
	// Plugins names them, with defaults merged already.
	Plugins *configv1.Plugins
	// Args are the arguments of each plugin that has some.
	Args map[string]runtime.Object
	// PercentageOfNodesToScore overrides the scheduler's. Nil means not.
	PercentageOfNodesToScore *int32
}

// Framework is one profile, ready to run. It is also the Handle that its plugins hold.
type Framework struct {
	points
	steps
	measures
	profile Profile
	env     Environment
	plugins map[string]fwk.Plugin
	weights map[string]int64
	// placementWeights are those at PlacementScore.
	placementWeights   map[string]int64
	signers            []fwk.SignPlugin
	equivalencePlugins []EquivalencePlugin
	unsignable         bool
	waiting            *waitingPods
	prebinding         *prebindingPods
	parallel           parallelizer
	recorder           events.EventRecorderLogger
	fwk.PodNominator
	fwk.PodActivator
}

var _ fwk.Handle = &Framework{}

// New builds the plugins of a profile and puts them into their places.
func New(ctx context.Context, registry Registry, profile Profile, env Environment) (*Framework, error) {
	if env.Parallelism == 0 {
		env.Parallelism = 16
	}
	if env.Clock == nil {
		env.Clock = clock.RealClock{}
	}
	if env.BindingPods == nil {
		env.BindingPods = NewBindingPods(env.Clock)
	}
	f := &Framework{
		profile:    profile,
		env:        env,
		plugins:    map[string]fwk.Plugin{},
		waiting:    env.BindingPods.waiting,
		prebinding: env.BindingPods.prebinding,
		parallel:   parallelizer(env.Parallelism),
	}
	if env.Recorder != nil {
		f.recorder = env.Recorder(profile.SchedulerName)
	}
	if f.PodNominator = env.Nominator; f.PodNominator == nil {
		f.PodNominator = noQueue{}
	}
	f.SetPodActivator(noQueue{})
	if err := f.build(ctx, registry); err != nil {
		return nil, errors.Join(fmt.Errorf("building profile %q: %w", profile.SchedulerName, err), f.Close())
	}
	return f, nil
}

func (f *Framework) build(ctx context.Context, registry Registry) (err error) {
	for _, name := range Enabled(f.profile.Plugins) {
		factory, known := registry[name]
		if !known {
			return fmt.Errorf("building plugin %q: there is no plugin of that name; there are %v", name, registry.Names())
		}
		plugin, err := factory(ctx, f.profile.Args[name], f)
		if err != nil {
			return fmt.Errorf("building plugin %q: %w", name, err)
		}
		f.plugins[name] = plugin
	}
	if err := f.fill(f.profile.Plugins, f.plugins); err != nil {
		return err
	}
	if len(f.queueSort) != 1 {
		return fmt.Errorf("enabling plugins at %s: there must be exactly one, there are %d", QueueSort, len(f.queueSort))
	}
	if len(f.bind) == 0 {
		return fmt.Errorf("enabling plugins at %s: at least one is needed", Bind)
	}
	if len(f.placementGenerate) > 1 {
		return fmt.Errorf("enabling plugins at %s: there can be one, there are %d", PlacementGenerate, len(f.placementGenerate))
	}
	f.findSigners()
	if f.weights, err = weightsOf[fwk.ScorePlugin](f, f.profile.Plugins.Score); err != nil {
		return err
	}
	f.placementWeights, err = weightsOf[fwk.PlacementScorePlugin](f, f.profile.Plugins.PlacementScore)
	if err != nil {
		return err
	}
	f.findSteps()
	f.findEquivalencePlugins()
	return nil
}

// weightsOf returns the weights of the plugins that score: the one set at the point where there is one, else the one in
// multiPoint; 0 means 1.
func weightsOf[Scoring fwk.Plugin](f *Framework, own configv1.PluginSet) (map[string]int64, error) {
	weights := map[string]int64{}
	var total int64
	for _, set := range []configv1.PluginSet{own, f.profile.Plugins.MultiPoint} {
		for _, plugin := range set.Enabled {
			_, scores := f.plugins[plugin.Name].(Scoring)
			if _, done := weights[plugin.Name]; done || !scores {
				continue
			}
			weight := int64(1)
			if plugin.Weight != nil && *plugin.Weight != 0 {
				weight = int64(*plugin.Weight)
			}
			if weight*fwk.MaxScore > math.MaxInt64-total {
				return nil, fmt.Errorf("adding the weight of plugin %q: the sum of all scores could overflow", plugin.Name)
			}
			total += weight * fwk.MaxScore
			weights[plugin.Name] = weight
		}
	}
	return weights, nil
}

// SetPodActivator gives the plugins their way to the queue, which is built after them because it asks them for their events.
func (f *Framework) SetPodActivator(activator fwk.PodActivator) { f.PodActivator = activator }

// Close closes the plugins that are io.Closers.
func (f *Framework) Close() error {
	var errs []error
	for name, plugin := range f.plugins {
		if closer, ok := plugin.(io.Closer); ok {
			if err := closer.Close(); err != nil {
				errs = append(errs, fmt.Errorf("closing plugin %q: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Plugin returns the profile's plugin of a name, or nil.
func (f *Framework) Plugin(name string) fwk.Plugin { return f.plugins[name] }

// ProfileName returns the spec.schedulerName of the pods that this profile schedules.
func (f *Framework) ProfileName() string { return f.profile.SchedulerName }

// PercentageOfNodesToScore returns the profile's own value, or nil.
func (f *Framework) PercentageOfNodesToScore() *int32 { return f.profile.PercentageOfNodesToScore }

// Less orders the queue.
func (f *Framework) Less(a, b fwk.QueuedEntityInfo) bool { return f.queueSort[0].Less(a, b) }

// PreEnqueuePlugins returns the plugins that may hold a pod back from the queue.
func (f *Framework) PreEnqueuePlugins() []fwk.PreEnqueuePlugin { return slices.Clone(f.preEnqueue) }

// HasFilterPlugins reports whether any plugin can refuse a node.
func (f *Framework) HasFilterPlugins() bool { return len(f.filter) > 0 }

// HasPostFilterPlugins reports whether anything is tried for a pod that fits nowhere.
func (f *Framework) HasPostFilterPlugins() bool { return len(f.postFilter) > 0 }

// HasScorePlugins reports whether any plugin prefers nodes.
func (f *Framework) HasScorePlugins() bool { return len(f.score) > 0 }
