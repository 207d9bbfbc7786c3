package plugins_test

import (
	"flag"
	"maps"
	"regexp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	upstreamdra "k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"

	"github.com/orrery-dev/orrery/scheduler/plugins/dynamicresources"
)

// TestPluginsAgreeWithUpstreamOnDevices tells each cluster's story from both sides, from PreEnqueue to a binding or its end.
func TestPluginsAgreeWithUpstreamOnDevices(t *testing.T) {
	ours, theirs := ourSide(t), theirSide(t)
	seen := map[string]int{}
	for seed := *first; seed < *first+slowCases(); seed++ {
		w := newCluster(seed)
		d := withDevices(w)
		got, want := ours.tell(t, w, d, seed), theirs.tell(t, w, d, seed)
		want.forgive(&got, w, d)
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(story{})); diff != "" {
			t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
		}
		got.count(seen)
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[what], what)
	}
	if slowCases() < 1000 {
		return
	}
	for _, what := range telling {
		if seen[what] == 0 {
			t.Errorf("no cluster led to %q, so that it was not compared", what)
		}
	}
}

// slowCases is a third of the default, for clusters that take longer than others.
func slowCases() uint64 {
	if set := flag.Lookup("differential.cases"); set.Value.String() == set.DefValue {
		return uint64(*cases) / 3
	}
	return uint64(*cases)
}

// telling are outcomes that a comparison is worth nothing without.
var telling = []string{
	"PreEnqueue UnschedulableAndUnresolvable: ResourceClaim X was not created for Pod X (Pod is not owner)",
	"PreEnqueue UnschedulableAndUnresolvable: could not find ResourceClaim X",
	"PreEnqueue UnschedulableAndUnresolvable: pod X, spec.resourceClaim X: none of the supported fields are set",
	"PreEnqueue UnschedulableAndUnresolvable: pod X: ResourceClaim not created yet",
	"PreEnqueue UnschedulableAndUnresolvable: resourceclaim X is being deleted",
	"PreFilter Error",
	"PreFilter Skip",
	"PreFilter UnschedulableAndUnresolvable: request X: device class gpu does not exist",
	"PreFilter UnschedulableAndUnresolvable: request X/X: device class gpu does not exist",
	"PreFilter UnschedulableAndUnresolvable: resource claim X is in the process of being allocated",
	"PreFilter UnschedulableAndUnresolvable: resource claim X, request X: unknown request type",
	"Filter Error",
	"Filter Success",
	"Filter UnschedulableAndUnresolvable: cannot allocate all claims",
	"Filter UnschedulableAndUnresolvable: cannot fit resource",
	"Filter UnschedulableAndUnresolvable: cannot schedule extended resource claim",
	"Filter UnschedulableAndUnresolvable: resourceclaim not available on the node",
	"PostFilter Unschedulable",
	"PostFilter Unschedulable: deallocation of ResourceClaim completed",
	"PostFilter Unschedulable: deletion of ResourceClaim completed",
	"Reserve Success",
	"PreBind Success",
	"Score above 0",
	"extended resources from devices",
}

// forgive takes out of both stories what may differ.
func (o *story) forgive(ours *story, w *cluster, d *devices) {
	if len(o.freed) == 1 && len(ours.freed) == 1 && d.idle(ours.freed[0], w.pod) {
		o.freed, o.GivenBack = ours.freed, ours.GivenBack
	}
	if o.unbindable {
		o.PreBind, o.Written, o.Kept, o.Mappings = ours.PreBind, ours.Written, ours.Kept, ours.Mappings
		ours.unbindable = true
	}
}

func (o *story) count(seen map[string]int) {
	for point, verdict := range map[string]verdict{
		"PreEnqueue": o.PreEnqueue, "PreFilter": o.PreFilter, "PostFilter": o.PostFilter, "Reserve": o.Reserve, "PreBind": o.PreBind,
	} {
		seen[point+" "+verdict.label()]++
	}
	for _, verdict := range o.Filter {
		seen["Filter "+verdict.label()]++
	}
	for _, verdict := range o.Fit.Filter {
		seen["Fit "+verdict.label()]++
	}
	if o.Mappings != "" {
		seen["extended resources from devices"]++
	}
	for _, score := range o.Scores {
		if score > 0 {
			seen["Score above 0"]++
		}
	}
}

var particular = regexp.MustCompile(`"[^"]*"|[a-z]+/[a-z0-9-]+|(own|other|req|sub|node)-[0-9]+|#[0-9]`)

func (v verdict) label() string {
	if len(v.Reasons) == 0 {
		return v.Code
	}
	return v.Code + ": " + particular.ReplaceAllString(v.Reasons[0], "X")
}

func TestDevicesAreAllocatedWithUpstreamsDefaultFeatures(t *testing.T) {
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	if diff := gocmp.Diff(upstreamdra.AllocatorFeatures(gates), dynamicresources.Features()); diff != "" {
		t.Errorf("upstream (-) and ours (+) differ:\n%s", diff)
	}
	if gates.EnableDRAWorkloadResourceClaims || gates.EnableDRANodeAllocatableResources {
		t.Error("upstream has turned on a feature that is missing here")
	}
}
