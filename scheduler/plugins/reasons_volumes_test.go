package plugins_test

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// reasonsOfVolumes are all that the plugins for volumes say, as far as it does not depend on names.
var reasonsOfVolumes = map[string][]string{
	"VolumeRestrictions": {
		"node(s) had no available disk",
		"node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
		`persistentvolumeclaim "claim-gone" not found`,
	},
	"NodeVolumeLimits": {
		"node(s) exceed max volume count",
		"csi.example.com CSI driver is not installed on the node",
		"looking up PVC default/claim-gone: persistentvolumeclaim \"claim-gone\" not found",
		"Error",
	},
	"VolumeZone": {
		"node(s) had no available volume zone",
		"PersistentVolume had no name",
		"PersistentVolumeClaim had no pv name and storageClass name",
		"VolumeBindingMode not set for StorageClass",
		`persistentvolumeclaim "claim-gone" not found`,
		`persistentvolume "volume-gone" not found`,
		`storageclass.storage.k8s.io "absent" not found`,
	},
	"VolumeBinding": {
		"node(s) didn't match PersistentVolume's node affinity",
		"node(s) didn't find available persistent volumes to bind",
		"node(s) did not have enough free storage",
		"node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
		"pod has unbound immediate PersistentVolumeClaims",
		"waiting for ephemeral volume controller to create the persistentvolumeclaim",
		"bound to non-existent persistentvolume",
		"is being deleted",
		"was not created for pod",
		`persistentvolumeclaim "claim-gone" not found`,
		"Error",
	},
}

// TestClustersShowEveryReasonOfVolumes holds that the comparison with upstream is about something.
func TestClustersShowEveryReasonOfVolumes(t *testing.T) {
	const clusters = 3000
	seen := map[string]map[string]int{}
	for _, pair := range volumePairs {
		seen[pair.name] = map[string]int{}
	}
	for seed := range uint64(clusters) {
		w := newCluster(seed)
		dressVolumes(w)
		snapshot := w.ourSnapshot()
		for _, pair := range volumePairs {
			plugin, err := pair.ours(t.Context(), nil, handle{snapshot: snapshot, informers: w.informers(t)})
			if err != nil {
				t.Fatal(err)
			}
			o := observe(t, w, plugin, snapshot, framework.NewCycleState(false))
			note(seen[pair.name], pair.name, o.PreFilter)
			for _, verdict := range o.Filter {
				note(seen[pair.name], pair.name, verdict)
			}
		}
	}
	for name, reasons := range reasonsOfVolumes {
		t.Logf("%s: %v", name, seen[name])
		for _, reason := range append(reasons, "Success", "Skip") {
			if seen[name][reason] < 3 {
				t.Errorf("%s says %q in %d of %d clusters", name, reason, seen[name][reason], clusters)
			}
		}
	}
}

// note counts what a verdict says: its known reasons, or its code.
func note(seen map[string]int, plugin string, v verdict) {
	if len(v.Reasons) == 0 {
		seen[v.Code]++
	}
	for _, reason := range v.Reasons {
		for _, known := range reasonsOfVolumes[plugin] {
			if strings.Contains(reason, known) {
				seen[known]++
			}
		}
	}
}
