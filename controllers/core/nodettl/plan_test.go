package nodettl

import (
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

func TestTierOf(t *testing.T) {
	for _, tt := range []struct {
		name       string
		n, present int
		want       string
	}{
		{"no nodes", 0, -1, "0"},
		{"a small cluster", 100, -1, "0"},
		{"one node more", 101, -1, "15"},
		{"a new cluster of a size that two tiers have is of the lower", 95, -1, "0"},
		{"one that was larger stays where it is", 95, 1, "15"},
		{"until it does not fit any more", 89, 1, "0"},
		{"one that has grown a lot", 5000, 0, "300"},
		{"one that has shrunk a lot", 3, 4, "0"},
		{"one that has shrunk into what two tiers have", 470, 4, "30"},
		{"the ends: 500", 500, 1, "15"},
		{"the ends: 501", 501, 1, "30"},
		{"the ends: 450", 450, 2, "30"},
		{"the ends: 449", 449, 2, "15"},
		{"the ends: 1001", 1001, 2, "60"},
		{"the ends: 2001", 2001, 3, "300"},
		{"the ends: 1800", 1800, 4, "300"},
		{"the ends: 1799", 1799, 4, "60"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tiers[tierOf(tt.n, tt.present)].seconds; got != tt.want {
				t.Errorf("%d nodes of tier %d are told %s s, want %s s", tt.n, tt.present, got, tt.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name string
		// told are how many nodes have been told what.
		told map[string]int
		want map[string]int
	}{
		{"there are no nodes", nil, nil},
		{"a new node is told", map[string]int{"": 1, "0": 2}, map[string]int{"0": 1}},
		{"those that know are left alone", map[string]int{"0": 3}, nil},
		{"one that was changed gets it back", map[string]int{"0": 2, "300": 1, "none": 1}, map[string]int{"0": 2}},
		{"all are told when there are more", map[string]int{"0": 100, "": 1}, map[string]int{"15": 101}},
		{"a change that was begun is ended", map[string]int{"0": 40, "15": 60}, map[string]int{"15": 40}},
		{"a size between two tiers changes nothing", map[string]int{"15": 95}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w world
			for _, seconds := range []string{"", "0", "15", "300", "none"} {
				for range tt.told[seconds] {
					w.nodes = append(w.nodes, *gen.Node(fmt.Sprintf("n%d", len(w.nodes)), tells(seconds)))
				}
			}
			got := map[string]int{}
			for _, step := range (Controller{}).Plan(loop.All, w, gen.Now).Steps() {
				for _, patch := range step.(*plan.Patches).Each() {
					got[patch.Wanted().GetAnnotations()[corev1.ObjectTTLAnnotationKey]]++
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("nodes that are told: %v, want %v", got, tt.want)
			}
		})
	}
}

func tells(seconds string) func(*ocorev1.Node) {
	return func(node *ocorev1.Node) {
		if seconds != "" {
			node.Annotations = map[string]string{corev1.ObjectTTLAnnotationKey: seconds}
		}
	}
}
