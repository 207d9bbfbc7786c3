package config_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	configv1 "k8s.io/kube-scheduler/config/v1"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	upstream "k8s.io/kubernetes/pkg/scheduler/apis/config"
	upstreamscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/config"
)

// TestConfigurationsMeanTheSameToKubeScheduler reads random configurations with both.
func TestConfigurationsMeanTheSameToKubeScheduler(t *testing.T) {
	const cases = 4_000
	accepted := 0
	for seed := range uint64(cases) {
		text := randomConfiguration(rand.New(rand.NewPCG(seed, 1)))
		theirs, theirErr := readUpstream(text)
		ours, ourErr := readOurs(text)
		if (theirErr == nil) != (ourErr == nil) {
			t.Fatalf("seed %d: kube-scheduler says %v, we say %v, of\n%s", seed, theirErr, ourErr, text)
		}
		if ourErr != nil {
			continue
		}
		accepted++
		if difference := cmp.Diff(compared(theirs, ours), compared(ours, ours), sameWeight); difference != "" {
			t.Fatalf("seed %d: completed differently (-kube-scheduler +we):\n%s\nof\n%s", seed, difference, text)
		}
	}
	if accepted < cases/5 || accepted > cases*4/5 {
		t.Errorf("%d of %d configurations were good: that compares too little of one kind", accepted, cases)
	}
}

// TestTheDefaultsAreThoseOfKubeScheduler compares all default plugins, their order and their weights. Pod groups are
// behind a feature gate of kube-scheduler which is off by default; here a cluster that has pod groups has them scheduled.
func TestTheDefaultsAreThoseOfKubeScheduler(t *testing.T) {
	beyond := []string{"GangScheduling"}
	without := slices.DeleteFunc(ourDefaults(t), func(plugin configv1.Plugin) bool { return slices.Contains(beyond, plugin.Name) })
	if difference := cmp.Diff(theirDefaults(t), without, sameWeight); difference != "" {
		t.Errorf("default plugins differ from those at default feature gates (-kube-scheduler +we):\n%s", difference)
	}
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, kubefeatures.GenericWorkload, true)
	if difference := cmp.Diff(theirDefaults(t), ourDefaults(t), sameWeight); difference != "" {
		t.Errorf("default plugins differ from those with pod groups (-kube-scheduler +we):\n%s", difference)
	}
}

func theirDefaults(t *testing.T) []configv1.Plugin {
	t.Helper()
	theirs, err := readUpstream([]byte(`{"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}`))
	if err != nil {
		t.Fatal(err)
	}
	return theirs.Profiles[0].Plugins.MultiPoint.Enabled
}

func ourDefaults(t *testing.T) []configv1.Plugin {
	t.Helper()
	ours, _, err := config.Complete(nil, known)
	if err != nil {
		t.Fatal(err)
	}
	return ours.Profiles[0].Plugins.MultiPoint.Enabled
}

func readUpstream(text []byte) (*configv1.KubeSchedulerConfiguration, error) {
	object, _, err := upstreamscheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	internal := object.(*upstream.KubeSchedulerConfiguration)
	internal.APIVersion = configv1.SchemeGroupVersion.String()
	if err := validation.ValidateKubeSchedulerConfiguration(internal); err != nil {
		return nil, err
	}
	for _, profile := range internal.Profiles {
		for _, each := range profile.PluginConfig {
			// The table of ValidateKubeSchedulerConfiguration misses this one; the plugin itself checks it.
			if args, ok := each.Args.(*upstream.NodeResourcesFitArgs); ok {
				if err := validation.ValidateNodeResourcesFitArgs(nil, args); err != nil {
					return nil, err
				}
			}
		}
	}
	election := internal.LeaderElection
	if election.LeaderElect && float64(election.RenewDeadline.Duration) <= 1.2*float64(election.RetryPeriod.Duration) {
		return nil, fmt.Errorf("the elector refuses %v", election) // leaderelection.NewLeaderElector
	}
	versioned := &configv1.KubeSchedulerConfiguration{}
	return versioned, upstreamscheme.Scheme.Convert(internal, versioned, nil)
}

func readOurs(text []byte) (*configv1.KubeSchedulerConfiguration, error) {
	read, err := config.Read(text)
	if err != nil {
		return nil, err
	}
	completed, _, err := config.Complete(read, known)
	return completed, err
}

// compared leaves out what differs on purpose (see the package's documentation), and the kinds of arguments.
// Which plugins are enabled by default decides which arguments nobody wrote; only those are compared that we have.
func compared(config, ours *configv1.KubeSchedulerConfiguration) *configv1.KubeSchedulerConfiguration {
	config = config.DeepCopy()
	config.TypeMeta = metav1.TypeMeta{}
	config.ClientConnection.QPS, config.ClientConnection.Burst, config.ClientConnection.ContentType = 0, 0, ""
	config.EnableProfiling, config.EnableContentionProfiling = nil, nil
	for i := range config.Profiles {
		profile := &config.Profiles[i]
		profile.Plugins.MultiPoint.Enabled = nil // TestTheDefaultsAreThoseOfKubeScheduler, TestProfiles
		args := map[string]runtime.Object{}
		for _, each := range profile.PluginConfig {
			object := each.Args.Object
			if unknown, ok := object.(*runtime.Unknown); ok {
				object = &runtime.Unknown{Raw: unknown.Raw}
			} else if object == nil {
				object = &runtime.Unknown{Raw: each.Args.Raw}
			} else {
				object = object.DeepCopyObject()
				object.GetObjectKind().SetGroupVersionKind(configv1.SchemeGroupVersion.WithKind("Args"))
			}
			args[each.Name] = object
		}
		profile.PluginConfig = nil
		for _, own := range ours.Profiles[i].PluginConfig {
			profile.PluginConfig = append(profile.PluginConfig,
				configv1.PluginConfig{Name: own.Name, Args: runtime.RawExtension{Object: args[own.Name]}})
		}
	}
	return config
}

type (
	object = map[string]any
	list   = []any
)

// randomConfiguration is mostly right: each field is left out often, and wrong seldom.
func randomConfiguration(r *rand.Rand) []byte {
	document := object{"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
	maybe(r, document, "parallelism", 1, 16, 500, 0, -3)
	maybe(r, document, "percentageOfNodesToScore", 0, 5, 100, 50, 101, -1)
	maybe(r, document, "podInitialBackoffSeconds", 1, 2, 9, 0)
	maybe(r, document, "podMaxBackoffSeconds", 10, 20, 30, 1)
	maybe(r, document, "enableProfiling", true, false)
	maybe(r, document, "clientConnection", object{"qps": 7.5, "burst": 9}, object{"kubeconfig": "/a/file"}, object{"burst": -1})
	// What is said of an election is compared; whether there is one by default is not.
	election := object{"leaderElect": r.IntN(2) == 0}
	maybe(r, election, "leaseDuration", "15s", "40s", "20s", "10s", "-1s")
	maybe(r, election, "renewDeadline", "10s", "5s", "16s")
	maybe(r, election, "retryPeriod", "2s", "1s", "3s", "9s", "-2s")
	maybe(r, election, "resourceLock", "leases", "leases", "leases", "endpoints")
	maybe(r, election, "resourceName", "mine", "yours")
	document["leaderElection"] = election
	if r.IntN(3) == 0 {
		document["extenders"] = several(r, 2, randomExtender)
	}
	if r.IntN(5) > 0 {
		document["profiles"] = several(r, 3, randomProfile)
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return text
}

func randomExtender(r *rand.Rand) any {
	extender := object{"urlPrefix": "http://127.0.0.1:1"}
	maybe(r, extender, "filterVerb", "filter", "sieve")
	maybe(r, extender, "weight", 1, 5, 0, -1)
	maybe(r, extender, "bindVerb", "bind")
	if r.IntN(4) == 0 {
		extender["prioritizeVerb"] = "rank"
	}
	if r.IntN(3) == 0 {
		names := list{"example.com/gpu", "example.com/fpga", "a.io/x", "cpu", "kubernetes.io/x", "requests.example.com/x", "not a name"}
		extender["managedResources"] = several(r, 2, func(r *rand.Rand) any { return object{"name": mostly(r, names)} })
	}
	return extender
}

func randomProfile(r *rand.Rand) any {
	profile := object{}
	if r.IntN(6) > 0 {
		profile["schedulerName"] = fmt.Sprint("scheduler-", r.IntN(12))
	}
	maybe(r, profile, "percentageOfNodesToScore", 0, 30, 100, 101)
	plugins := object{}
	maybe(r, plugins, "queueSort", object{"enabled": list{object{"name": "PrioritySort"}}, "disabled": list{object{"name": "*"}}})
	maybe(r, plugins, "score", object{"disabled": list{object{"name": "ImageLocality"}}}, object{"enabled": list{object{"name": "NodeAffinity", "weight": 7}}})
	maybe(r, plugins, "filter", object{"disabled": list{object{"name": "*"}}})
	if r.IntN(3) == 0 {
		profile["plugins"] = plugins
	}
	var configs list
	for _, name := range []string{"DefaultPreemption", "DynamicResources", "InterPodAffinity", "Mine", "NodeAffinity",
		"NodeResourcesBalancedAllocation", "NodeResourcesFit", "PodTopologySpread", "VolumeBinding"} {
		for range max(0, r.IntN(14)/8+r.IntN(20)/19) {
			configs = append(configs, object{"name": name, "args": randomArgs(r, name)})
		}
	}
	profile["pluginConfig"] = configs
	return profile
}

func randomArgs(r *rand.Rand, plugin string) object {
	args := object{}
	switch plugin {
	case "DefaultPreemption":
		maybe(r, args, "minCandidateNodesPercentage", 10, 0, 100, 101, -1)
		maybe(r, args, "minCandidateNodesAbsolute", 100, 0, 1, -1)
	case "DynamicResources":
		maybe(r, args, "filterTimeout", "10s", "0s", "1ms", "-1s")
		maybe(r, args, "bindingTimeout", "600s", "1s", "2m", "999ms")
	case "InterPodAffinity":
		maybe(r, args, "hardPodAffinityWeight", 0, 1, 100, 101, -1)
		maybe(r, args, "ignorePreferredTermsOfExistingPods", true, false)
	case "Mine":
		maybe(r, args, "anything", "goes", 7)
	case "NodeAffinity":
		term := func(key, operator string) object {
			return object{"matchExpressions": list{object{"key": key, "operator": operator, "values": list{"a"}}}}
		}
		maybe(r, args, "addedAffinity",
			object{"requiredDuringSchedulingIgnoredDuringExecution": object{"nodeSelectorTerms": list{term("zone", "In")}}},
			object{"preferredDuringSchedulingIgnoredDuringExecution": list{object{"weight": 5, "preference": term("zone", "NotIn")}}},
			object{}, object{"requiredDuringSchedulingIgnoredDuringExecution": object{"nodeSelectorTerms": list{term("zo ne", "In")}}},
			object{"preferredDuringSchedulingIgnoredDuringExecution": list{object{"weight": 5, "preference": term("zone", "Near")}}})
	case "NodeResourcesBalancedAllocation":
		if r.IntN(2) == 0 {
			args["resources"] = several(r, 3, func(r *rand.Rand) any { return randomResource(r, 1, 0, 1, 1, 2) })
		}
	case "NodeResourcesFit":
		maybe(r, args, "ignoredResources", list{"example.com/a"}, list{"a"}, list{"not a name"})
		maybe(r, args, "ignoredResourceGroups", list{"example.com"}, list{"example.com/a"})
		if r.IntN(2) == 0 {
			args["scoringStrategy"] = randomStrategy(r)
		}
	case "PodTopologySpread":
		maybe(r, args, "defaultingType", "List", "List", "System", "Other")
		if r.IntN(2) == 0 {
			args["defaultConstraints"] = several(r, 2, randomConstraint)
		}
	case "VolumeBinding":
		maybe(r, args, "bindTimeoutSeconds", 600, 0, 1, -1)
		if r.IntN(3) == 0 {
			args["shape"] = several(r, 3, randomPoint)
		}
	}
	return args
}

func randomStrategy(r *rand.Rand) object {
	strategy := object{"type": mostly(r, list{"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio", "Best"})}
	if r.IntN(2) == 0 {
		strategy["resources"] = several(r, 3, func(r *rand.Rand) any { return randomResource(r, 1, 0, 100, 50, 101, -1) })
	}
	if strategy["type"] == "RequestedToCapacityRatio" || r.IntN(10) == 0 {
		strategy["requestedToCapacityRatio"] = object{"shape": several(r, 3, randomPoint)}
	}
	return strategy
}

func randomResource(r *rand.Rand, weights ...any) object {
	resource := object{"name": fmt.Sprint("example.com/", r.IntN(20))}
	maybe(r, resource, "weight", weights...)
	return resource
}

func randomPoint(r *rand.Rand) any {
	return object{"utilization": mostly(r, list{0, 100, 20, 50, 90, -1, 101}), "score": mostly(r, list{0, 10, 5, 1, -1, 11})}
}

func randomConstraint(r *rand.Rand) any {
	constraint := object{
		"maxSkew": mostly(r, list{1, 2, 5, 0}), "topologyKey": mostly(r, list{"zone", "host", "example.com/rack", "", "not a key"}),
		"whenUnsatisfiable": mostly(r, list{"DoNotSchedule", "ScheduleAnyway", "Perhaps", ""}),
	}
	if r.IntN(20) == 0 {
		constraint["labelSelector"] = object{}
	}
	return constraint
}

// maybe sets a field, in half of the cases.
func maybe(r *rand.Rand, in object, name string, values ...any) {
	if r.IntN(2) == 0 {
		in[name] = mostly(r, values)
	}
}

// mostly takes one of the first values, and one of all of them now and then.
func mostly(r *rand.Rand, values list) any {
	if r.IntN(6) == 0 {
		return values[r.IntN(len(values))]
	}
	return values[r.IntN(min(len(values), 3))]
}

// several is none to a number of things.
func several(r *rand.Rand, most int, one func(*rand.Rand) any) list {
	items := list{}
	for range r.IntN(most + 1) {
		items = append(items, one(r))
	}
	return items
}

// sameWeight holds that no weight is a weight of 0, as which it is stored after a conversion.
var sameWeight = cmp.Comparer(func(a, b configv1.Plugin) bool {
	return a.Name == b.Name && ptr.Deref(a.Weight, 0) == ptr.Deref(b.Weight, 0)
})
