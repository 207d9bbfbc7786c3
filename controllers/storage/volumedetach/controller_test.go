package volumedetach

import (
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
)

func TestWhatMattersOfANode(t *testing.T) {
	name := fakeattacher.ID("data").Name()
	for _, test := range []struct {
		name   string
		change func(*ocorev1.Node)
		want   bool
	}{
		{"a heartbeat does not", func(n *ocorev1.Node) { n.Status.Conditions[0].LastHeartbeatTime = gen.Ago(0) }, false},
		{"a volume in use does", func(n *ocorev1.Node) { n.Status.VolumesInUse = []corev1.UniqueVolumeName{name} }, true},
		{"what it is told to have does", func(n *ocorev1.Node) { n.Status.VolumesAttached = []corev1.AttachedVolume{{Name: name}} }, true},
		{"that it falls silent does", func(n *ocorev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }, true},
		{"that it is put out of service does", gen.Tainted(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute, 0), true},
		{"another taint does not", gen.Tainted("other", corev1.TaintEffectNoExecute, 0), false},
		{"that it leaves attaching to us does", fakeattacher.Node, true},
		{"that another one came by its name does", func(n *ocorev1.Node) { n.UID = "other" }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := matters(gen.Node("a", gen.NodeReady), gen.Node("a", gen.NodeReady, test.change)); got != test.want {
				t.Errorf("it matters: %t, want %t", got, test.want)
			}
		})
	}
}
