package nodeeviction

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhatOfANodeWakesTheLoop(t *testing.T) {
	tainted := gen.Tainted(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute, time.Minute)
	for _, test := range []struct {
		name    string
		was, is *ocorev1.Node
		wakes   bool
	}{
		{"it comes", nil, gen.Node("n"), true},
		{"it goes", gen.Node("n"), nil, true},
		{"it says for the first time that it is ready", gen.Node("n"), gen.Node("n", gen.NodeReady), true},
		{"it says for the first time that it is not", gen.Node("n"), gen.Node("n", gen.NodeNotReady), true},
		{"it falls silent", gen.Node("n", gen.NodeNotReady), gen.Node("n", gen.NodeUnknown), true},
		{"it moves to another zone", gen.Node("n", gen.NodeReady), gen.Node("n", gen.NodeReady, gen.InZone("there")), true},
		{"somebody takes a taint off it", gen.Node("n", gen.NodeUnknown, tainted), gen.Node("n", gen.NodeUnknown), true},
		{"it is as it was", gen.Node("n", gen.NodeReady), gen.Node("n", gen.NodeReady), false},
		{"it has the taint that it should have", gen.Node("n", gen.NodeUnknown), gen.Node("n", gen.NodeUnknown, tainted), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, err := Loop().Watches()[0].Wakes(t.Context(), nil, object(test.was), object(test.is))
			if err != nil || len(keys) > 0 != test.wakes {
				t.Errorf("it wakes %v (%v), want one to be woken: %t", keys, err, test.wakes)
			}
		})
	}
}

// object is a node or nothing, as a watch tells of it.
func object(node *ocorev1.Node) client.Object {
	if node == nil {
		return nil
	}
	return node
}
