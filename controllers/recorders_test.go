package controllers_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/controllers"
)

// recorders are in whose name kube-controller-manager's controllers record events, by the rooms that do as they do. Who filters events by
// their source, or reads them in `kubectl describe`, knows these names.
var recorders = map[string]string{
	"apps/daemonset":                      "daemonset-controller",
	"apps/deployment":                     "deployment-controller",
	"apps/replicaset":                     "replicaset-controller",
	"apps/statefulset":                    "statefulset-controller",
	"autoscaling/horizontalpodautoscaler": "horizontal-pod-autoscaler",
	"batch/cronjob":                       "cronjob-controller",
	"batch/job":                           "job-controller",
	"core/endpoints":                      "endpoint-controller",
	"core/nodeipam":                       "cidrAllocator",
	"core/nodelifecycle":                  "node-controller",
	"core/pvbinder":                       "persistentvolume-controller",
	"core/pvexpander":                     "volume_expand",
	"core/pvreclaimer":                    "persistentvolume-controller",
	"core/replicationcontroller":          "replication-controller",
	"core/servicelb":                      "service-controller",
	"core/tainteviction":                  "taint-eviction-controller",
	"discovery/endpointslice":             "endpoint-slice-controller",
	"discovery/endpointslicemirroring":    "endpoint-slice-mirroring-controller",
	"meta/garbagecollector":               "garbage-collector-controller",
	"networking/servicecidr":              "service-cidr-controller",
	"policy/disruption":                   "controllermanager",
	"resource/devicetainteviction":        "device-taint-eviction-controller",
	"resource/podresourceclaim":           "resource_claim",
	"storage/ephemeralvolume":             "ephemeral_volume",
	"storage/volumeattach":                "attachdetach-controller",
	"storage/volumedetach":                "attachdetach-controller",
}

func TestEventsAreRecordedInTheNamesThatKubernetesHas(t *testing.T) {
	seen := map[string]string{}
	for _, e := range controllers.All(controllers.Options{}) {
		seen[e.Room] = e.Loop.Recorder()
	}
	for room, want := range recorders {
		if seen[room] != want {
			t.Errorf("%s records events as %q, want %q", room, seen[room], want)
		}
	}
}

// A loop that Kubernetes has none of may record in its own name, as `orrery create api` has it do.
func TestOfEveryRoomThatRecordsEventsItIsKnownInWhoseName(t *testing.T) {
	for _, e := range controllers.All(controllers.Options{}) {
		r := read(t, e)
		records := slices.ContainsFunc(r.files["controller.go"].Comments, func(c *ast.CommentGroup) bool {
			return slices.ContainsFunc(c.List, func(line *ast.Comment) bool {
				return strings.Contains(line.Text, "groups=events.k8s.io,resources=events")
			})
		})
		if _, known := recorders[r.path]; records != known && (known || controllers.IsUpstreams(e)) {
			t.Errorf("%s records events: %t; it is in the table: %t", r.path, records, known)
		}
	}
}
