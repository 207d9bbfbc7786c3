package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// A bad day of an API server.
var badDay = faults{
	late: 0.3, lateness: 100 * time.Millisecond,
	conflict: 0.08, tooMany: 0.02, broken: 0.08, lost: 0.08, cut: 0.3,
}

// The loops, the scheduler and the nodes work against a server that answers late, refuses, or loses its answers.
func TestRolloutsCompleteOnABadDay(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (*rest.Config, loops){
		"the embedded server": func(t *testing.T) (*rest.Config, loops) {
			admin, server := startEmbedded(t)
			return admin, loops{naming: apis.Kubernetes, own: true, configOf: server.ControllerConfig, controllers: wiring.Loops{RootCA: server.CA()}}
		},
		"a plain server": func(t *testing.T) (*rest.Config, loops) { return startPlain(t), loops{naming: apis.Orrery} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin, l := start(t)
			p := newProxy(t, admin, 1)
			l.as = func(identity.Identity) *rest.Config { return p.config() }
			l.configOf = p.passing(l.configOf)
			l.fleets = []nodeagent.FleetOptions{{Nodes: 3}}
			fleets := l.start(t)
			p.begin(badDay)
			c := (&target{naming: l.naming, admin: admin}).cluster(t)

			creates(replicas(8), rolling("3", "2"))(t, c)
			rollsOut(t, c)
			stop := c.watchPods(t, within(6, 11))
			for version := 2; version <= 4; version++ {
				changes(image("web:"+strconv.Itoa(version)))(t, c)
				rollsOut(t, c)
			}
			runs(8, "web:4")(t, c)
			stop()
			nothingIsLostOrDoubled(t, c, fleets[0])
		})
	}
}

// nothingIsLostOrDoubled compares the pods that are stored with those that run.
func nothingIsLostOrDoubled(t *testing.T, c *cluster, fleet *nodeagent.Fleet) {
	t.Helper()
	await.Until(t, "the nodes to run just the pods that there are", func() (string, bool) {
		var run []string
		for i := range 3 {
			sandboxes, err := fleet.Runtime("node-"+strconv.Itoa(i)).ListPodSandbox(t.Context(), nil)
			if err != nil {
				return err.Error(), false
			}
			for _, sandbox := range sandboxes {
				if sandbox.Metadata.Namespace == c.namespace && sandbox.State == runtimeapi.PodSandboxState_SANDBOX_READY {
					run = append(run, sandbox.Metadata.Uid)
				}
			}
		}
		slices.Sort(run)
		if len(run) != 8 || !slices.Equal(run, c.podUIDs(t)) {
			return fmt.Sprintf("run %v; stored:\n%s", run, c.describe(t)), false
		}
		idle := slices.ContainsFunc(c.pods(t), func(pod ocorev1.Pod) bool { return !running(&pod) })
		return c.describe(t), !idle
	})
}
