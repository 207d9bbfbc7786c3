package cycle

import (
	"context"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	upstreamcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	upstreamplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	upstreamruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
)

// reference decides with kube-scheduler's own plugins and runtime, from scratch each time.
type reference struct {
	upstream.Framework
	present *present
}

// present is a lister of what the cluster is now.
type present struct{ fwk.SharedLister }

// verdict is a decision with everything that can be compared.
type verdict struct {
	// Best are the nodes that may be chosen, and Totals those of all nodes that fit, from the best.
	Best   []string
	Totals []int64
	// Message says why the pod fits nowhere.
	Message string
	// Blamed are the plugins that refused nodes, where the pod fits nowhere.
	Blamed []string
}

func newReference(t *testing.T, weights map[string]int32, names []string, nominator fwk.PodNominator, factory informers.SharedInformerFactory) *reference {
	t.Helper()
	upstreammetrics.Register()
	r := &reference{present: &present{}}
	enabled := make([]config.Plugin, len(names))
	for i, name := range names {
		enabled[i] = config.Plugin{Name: name, Weight: weights[name]}
	}
	defaults, err := latest.Default()
	if err != nil {
		t.Fatal(err)
	}
	profile := &config.KubeSchedulerProfile{
		SchedulerName: corev1.DefaultSchedulerName,
		Plugins:       &config.Plugins{MultiPoint: config.PluginSet{Enabled: enabled}},
	}
	for _, args := range defaults.Profiles[0].PluginConfig {
		if slices.Contains(names, args.Name) {
			profile.PluginConfig = append(profile.PluginConfig, args)
		}
	}
	r.Framework, err = upstreamruntime.NewFramework(t.Context(), upstreamplugins.NewInTreeRegistry(), profile,
		upstreamruntime.WithSnapshotSharedLister(r.present), upstreamruntime.WithPodNominator(nominator),
		upstreamruntime.WithInformerFactory(factory), upstreamruntime.WithParallelism(1),
		upstreamruntime.WithSharedDRAManager(nil),
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// decide says where a pod may go in a cluster.
func (r *reference) decide(ctx context.Context, pod *corev1.Pod, nodes []*corev1.Node, pods []*corev1.Pod) (verdict, error) {
	snapshot := upstreamcache.NewSnapshot(pods, nodes)
	r.present.SharedLister = snapshot
	all, err := snapshot.NodeInfos().List()
	if err != nil {
		return verdict{}, err
	}
	state := upstream.NewCycleState()
	diagnosis := upstream.Diagnosis{NodeToStatus: upstream.NewDefaultNodeToStatus()}
	refused := func() (verdict, error) {
		fit := &upstream.FitError{Pod: pod, NumAllNodes: len(all), Diagnosis: diagnosis}
		return verdict{Message: fit.Error(), Blamed: sets.List(diagnosis.UnschedulablePlugins)}, nil
	}
	narrowed, status, narrowing := r.RunPreFilterPlugins(ctx, state, pod)
	diagnosis.UnschedulablePlugins = narrowing
	if !status.IsSuccess() {
		if !status.IsRejected() {
			return verdict{}, status.AsError()
		}
		diagnosis.NodeToStatus.SetAbsentNodesStatus(status)
		diagnosis.PreFilterMsg = status.Message()
		diagnosis.AddPluginStatus(status)
		return refused()
	}
	if !narrowed.AllNodes() {
		diagnosis.NodeToStatus.SetAbsentNodesStatus(fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(narrowing))))
	}
	var feasible []fwk.NodeInfo
	for _, node := range all {
		if !narrowed.AllNodes() && !narrowed.NodeNames.Has(node.Node().Name) {
			continue
		}
		switch status := r.RunFilterPluginsWithNominatedPods(ctx, state, pod, node); {
		case status.IsError():
			return verdict{}, status.AsError()
		case status.IsSuccess():
			feasible = append(feasible, node)
		default:
			diagnosis.NodeToStatus.Set(node.Node().Name, status)
			diagnosis.AddPluginStatus(status)
		}
	}
	if len(feasible) == 0 {
		return refused()
	}
	return r.score(ctx, state, pod, feasible)
}

func (r *reference) score(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, feasible []fwk.NodeInfo) (verdict, error) {
	if len(feasible) == 1 {
		return verdict{Best: []string{feasible[0].Node().Name}}, nil
	}
	if status := r.RunPreScorePlugins(ctx, state, pod, feasible); !status.IsSuccess() {
		return verdict{}, status.AsError()
	}
	scores, status := r.RunScorePlugins(ctx, state, pod, feasible)
	if !status.IsSuccess() {
		return verdict{}, status.AsError()
	}
	slices.SortFunc(scores, func(a, b fwk.NodePluginScores) int { return int(b.TotalScore - a.TotalScore) })
	var v verdict
	for _, score := range scores {
		v.Totals = append(v.Totals, score.TotalScore)
		if score.TotalScore == scores[0].TotalScore {
			v.Best = append(v.Best, score.Name)
		}
	}
	slices.Sort(v.Best)
	return v, nil
}

func enabledPlugins(names []string, weights map[string]int32) []configv1.Plugin {
	enabled := make([]configv1.Plugin, len(names))
	for i, name := range names {
		weight := weights[name]
		enabled[i] = configv1.Plugin{Name: name, Weight: &weight}
	}
	return enabled
}
