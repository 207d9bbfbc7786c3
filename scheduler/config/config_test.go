package config_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/orrery-dev/orrery/scheduler/config"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

var known = []string{"DefaultBinder", "DefaultPreemption", "DynamicResources", "ImageLocality", "InterPodAffinity", "Mine", "NodeAffinity",
	"NodeName", "NodePorts", "NodeResourcesBalancedAllocation", "NodeResourcesFit", "NodeUnschedulable", "PodTopologySpread", "PrioritySort",
	"SchedulingGates", "TaintToleration", "VolumeBinding"}

const header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

func load(t *testing.T, text string) (*configv1.KubeSchedulerConfiguration, []framework.Profile, error) {
	t.Helper()
	read, err := config.Read([]byte(header + text))
	if err != nil {
		return nil, nil, err
	}
	return config.Complete(read, known)
}

func TestDefaults(t *testing.T) {
	completed, profiles, err := config.Complete(nil, known)
	if err != nil {
		t.Fatal(err)
	}
	if *completed.Parallelism != 16 || *completed.PercentageOfNodesToScore != 0 ||
		*completed.PodInitialBackoffSeconds != 1 || *completed.PodMaxBackoffSeconds != 10 || *completed.LeaderElection.LeaderElect {
		t.Errorf("defaults are %+v", completed)
	}
	if len(profiles) != 1 || profiles[0].SchedulerName != "default-scheduler" {
		t.Fatalf("profiles are %+v, want one for default-scheduler", profiles)
	}
	fit := profiles[0].Args["NodeResourcesFit"].(*configv1.NodeResourcesFitArgs)
	if fit.ScoringStrategy.Type != configv1.LeastAllocated || len(fit.ScoringStrategy.Resources) != 2 {
		t.Errorf("NodeResourcesFit has the arguments %+v", fit)
	}
}

func TestProfiles(t *testing.T) {
	_, profiles, err := load(t, `
profiles:
- schedulerName: one
  plugins:
    multiPoint:
      disabled: [{name: ImageLocality}]
      enabled: [{name: TaintToleration, weight: 7}, {name: Mine}]
    score:
      disabled: [{name: NodeAffinity}]
  pluginConfig:
  - name: Mine
    args: {anything: goes}
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu}]}}
- schedulerName: two
  percentageOfNodesToScore: 40
`)
	if err != nil {
		t.Fatal(err)
	}
	one := profiles[0]
	var names []string
	for _, plugin := range one.Plugins.MultiPoint.Enabled {
		names = append(names, plugin.Name)
		if plugin.Name == "TaintToleration" && *plugin.Weight != 7 {
			t.Errorf("TaintToleration has the weight %d, want 7", *plugin.Weight)
		}
	}
	want := "SchedulingGates PrioritySort NodeName NodeUnschedulable TaintToleration NodeAffinity NodePorts NodeResourcesFit VolumeRestrictions NodeVolumeLimits VolumeBinding VolumeZone PodTopologySpread InterPodAffinity DynamicResources DefaultPreemption NodeResourcesBalancedAllocation DefaultBinder NodeDeclaredFeatures GangScheduling Mine"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("plugins are %s, want %s", got, want)
	}
	if raw, ok := one.Args["Mine"].(*runtime.Unknown); !ok || string(raw.Raw) != `{"anything":"goes"}` {
		t.Errorf("Mine has the arguments %v", one.Args["Mine"])
	}
	if fit := one.Args["NodeResourcesFit"].(*configv1.NodeResourcesFitArgs); fit.ScoringStrategy.Resources[0].Weight != 1 {
		t.Errorf("NodeResourcesFit has the arguments %+v", fit)
	}
	if profiles[1].SchedulerName != "two" || *profiles[1].PercentageOfNodesToScore != 40 {
		t.Errorf("the second profile is %+v", profiles[1])
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an unknown field", "parallel: 3", `unknown field "parallel"`},
		{"a field twice", "parallelism: 3\nparallelism: 4", `"parallelism" already set`},
		{"an unknown field of arguments", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {strategy: x}}]}]",
			`profiles[0].pluginConfig[0].args of plugin "NodeResourcesFit": strict decoding error: unknown field "strategy"`},
		{"arguments of another plugin", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: NodeAffinityArgs}}]}]",
			"expected NodeResourcesFitArgs.kubescheduler.config.k8s.io, got NodeAffinityArgs.kubescheduler.config.k8s.io"},
		{"no parallelism", "parallelism: 0", "parallelism: Invalid value: 0: must be greater than 0"},
		{"too much of a percentage", "percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101"},
		{"back-off that shrinks", "podInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 4", "podMaxBackoffSeconds: Invalid value: 4"},
		{"an unknown plugin", "profiles: [{plugins: {filter: {enabled: [{name: Nope}]}}}]",
			`profiles[0].plugins.filter.enabled[0].name: Unsupported value: "Nope": supported values: "DefaultBinder"`},
		{"an unknown plugin for all points", "profiles: [{plugins: {multiPoint: {enabled: [{name: Nope}]}}}]",
			`profiles[0].plugins.multiPoint.enabled[0].name: Unsupported value: "Nope"`},
		{"a plugin twice", "profiles: [{plugins: {score: {enabled: [{name: Mine}, {name: Mine}]}}}]",
			`profiles[0].plugins.score.enabled[1].name: Duplicate value: "Mine"`},
		{"a negative weight", "profiles: [{plugins: {score: {enabled: [{name: Mine, weight: -1}]}}}]",
			"profiles[0].plugins.score.enabled[0].weight: Invalid value: -1"},
		{"two profiles of one name", "profiles: [{schedulerName: a}, {schedulerName: a}]", `profiles[1].schedulerName: Duplicate value: "a"`},
		{"two profiles without a name", "profiles: [{}, {schedulerName: a}]", "profiles[0].schedulerName: Required value"},
		{"two orders of one queue", "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {enabled: [{name: Mine}]}}}]",
			"profiles[1].plugins.queueSort: Invalid value"},
		{"a strategy that does not exist", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]",
			`profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Best"`},
		{"a shape that falls back", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 50, score: 1}, {utilization: 40, score: 11}]}}}}]}]",
			"shape[1].score: Invalid value: 11: not in valid range [0, 10]"},
		{"an unknown plugin for pod groups", "profiles: [{plugins: {placementScore: {enabled: [{name: Yours}]}}}]",
			`profiles[0].plugins.placementScore.enabled[0].name: Unsupported value: "Yours"`},
		{"an extender that prioritizes by nothing", "extenders: [{urlPrefix: http://127.0.0.1, prioritizeVerb: rank}]", "extenders[0].weight: Invalid value: 0: must be greater than 0"},
		{"two extenders that bind", "extenders: [{urlPrefix: http://127.0.0.1, bindVerb: bind}, {urlPrefix: http://127.0.0.2, bindVerb: bind}]",
			"extenders[1].bindVerb: Forbidden: only one extender can bind"},
		{"an extender that manages what is not extended", "extenders: [{urlPrefix: http://127.0.0.1, managedResources: [{name: cpu}]}]",
			`extenders[0].managedResources[0].name: Invalid value: "cpu": must be an extended resource`},
		{"a lease that ends before it is renewed", "leaderElection: {leaderElect: true, leaseDuration: 5s}",
			`leaderElection.leaseDuration: Invalid value: "5s": must be greater than renewDeadline`},
		{"a renewal with time for one try only", "leaderElection: {leaderElect: true, retryPeriod: 9s}",
			`leaderElection.renewDeadline: Invalid value: "10s": must be greater than 1.2 times retryPeriod`},
		{"another lock than a lease", "leaderElection: {leaderElect: true, resourceLock: endpoints}",
			`leaderElection.resourceLock: Unsupported value: "endpoints": supported values: "leases"`},
		{"no candidates for preemption", "profiles: [{pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}}]}]",
			"profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time"},
		{"constraints that the system's defaults hide", "profiles: [{pluginConfig: [{name: PodTopologySpread, args: {defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}}]}]",
			`args.defaultingType: Invalid value: "System": must be List where defaultConstraints are given`},
		{"a constraint with a selector", "profiles: [{pluginConfig: [{name: PodTopologySpread, args: {defaultingType: List, defaultConstraints: [{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: Sometimes, labelSelector: {}}]}}]}]",
			`args.defaultConstraints[0].whenUnsatisfiable: Unsupported value: "Sometimes": supported values: "DoNotSchedule", "ScheduleAnyway"`},
		{"a binding without time", "profiles: [{pluginConfig: [{name: DynamicResources, args: {bindingTimeout: 10ms}}]}]",
			`args.bindingTimeout: Invalid value: "10ms": must be at least 1 second`},
		{"too much of a weight", "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]}]",
			"args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := load(t, test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v\nwant one with %s", err, test.want)
			}
		})
	}
}

func TestAnotherKindIsRefused(t *testing.T) {
	_, err := config.Read([]byte("apiVersion: v1\nkind: Pod"))
	if err == nil || !strings.Contains(err.Error(), "expected apiVersion kubescheduler.config.k8s.io/v1 and kind KubeSchedulerConfiguration") {
		t.Errorf("got the error %v", err)
	}
}
