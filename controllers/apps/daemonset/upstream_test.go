package daemonset

import (
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"k8s.io/kubernetes/pkg/controller"
)

func TestARevisionHasTheHashThatUpstreamGivesIt(t *testing.T) {
	none, two := int32(0), int32(2)
	for name, collisions := range map[string]*int32{"that nobody counted": nil, "of which there were none": &none, "of which there were two": &two} {
		set := gen.DaemonSet("web")
		set.Status.CollisionCount = collisions
		if got, want := newest(set).Name, "web-"+controller.ComputeHash(&set.Spec.Template, collisions); got != want {
			t.Errorf("with collisions %s the revision is %s, upstream's %s", name, got, want)
		}
	}
}
