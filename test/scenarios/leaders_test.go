package scenarios

import (
	"strconv"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// A lease is no fence: a manager that was asleep for longer than its lease lasts goes on where it was, while another leads. Each
// keeps to maxSurge and maxUnavailable by itself, as far as it sees, so that for a moment both may be exceeded, at most twice; and
// what they do twice comes to rest.
func TestTwoManagersThatBothBelieveTheyLeadDoNoHarm(t *testing.T) {
	t.Parallel()
	admin, server := startEmbedded(t)
	one := loops{
		naming: apis.Kubernetes, own: true, configOf: server.ControllerConfig, controllers: wiring.Loops{RootCA: server.CA()},
		as:     func(identity.Identity) *rest.Config { return admin },
		fleets: []nodeagent.FleetOptions{{Nodes: 3}},
	}
	fleets := one.start(t)
	other := one
	other.startControllers(t)
	c := (&target{naming: one.naming, admin: admin}).cluster(t)

	creates(replicas(8), rolling("3", "2"))(t, c)
	rollsOut(t, c)
	runs(8, "web:1")(t, c)
	stop := c.watchPods(t, within(8-2*2, 2*11))
	for version := 2; version <= 4; version++ {
		changes(image("web:"+strconv.Itoa(version)))(t, c)
		rollsOut(t, c)
	}
	runs(8, "web:4")(t, c)
	stop()
	nothingIsLostOrDoubled(t, c, fleets[0])
}
