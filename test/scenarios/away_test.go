package scenarios

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// hasty is a clock by which a node agent waits for a tenth of the time, so that its heartbeats come every second. It tells the true time.
type hasty struct{ clock.RealClock }

func (c hasty) NewTimer(d time.Duration) clock.Timer { return c.RealClock.NewTimer(d / 10) }

func (c hasty) AfterFunc(d time.Duration, f func()) clock.Timer {
	return c.RealClock.AfterFunc(d/10, f)
}

// An agent that cannot reach the API server for longer than nodes are given, and then can.
func TestANodeThatWasAwayComesBackWithItsPods(t *testing.T) {
	t.Parallel()
	admin, server := startEmbedded(t)
	p := newProxy(t, admin, 1)
	(&loops{
		naming:   apis.Kubernetes,
		as:       identities(t, server),
		configOf: server.ControllerConfig,
		own:      true,
		controllers: wiring.Loops{
			NodeLifecycle: nodelifecycle.Options{MonitorGracePeriod: 5 * time.Second},
		},
		fleets: []nodeagent.FleetOptions{
			{NamePrefix: "stays-", Clock: hasty{}},
			{NamePrefix: "away-", Clock: hasty{}, Config: p.config()},
		},
	}).start(t)
	c := (&target{naming: apis.Kubernetes, admin: admin}).cluster(t)
	creates(replicas(6))(t, c)
	rollsOut(t, c)
	before := c.podUIDs(t)

	p.cut()
	await.Until(t, "the node to be unreachable, and its pods not ready", func() (string, bool) {
		node, seen := c.node(t, "away-0"), c.podsOn(t, "away-0")
		return node + "; " + seen, node == "Unknown NoExecute NoSchedule" && !strings.Contains(seen, "ready") && seen != ""
	})
	if node := c.node(t, "stays-0"); node != "True" {
		t.Errorf("the other node is %s, want it ready and without taints", node)
	}

	p.mend()
	await.Until(t, "the node to be ready, and its pods too", func() (string, bool) {
		node, seen := c.node(t, "away-0"), c.podsOn(t, "away-0")
		return node + "; " + seen, node == "True" && !strings.Contains(seen, "lost") && seen != ""
	})
	rollsOut(t, c)
	if after := c.podUIDs(t); !slices.Equal(before, after) {
		t.Errorf("the pods were %v and are %v, want the same", before, after)
	}
	for _, pod := range c.pods(t) {
		if n := pod.Status.ContainerStatuses[0].RestartCount; n != 0 {
			t.Errorf("pod %s was restarted %d times", pod.Name, n)
		}
	}
	changes(image("web:2"))(t, c)
	rollsOut(t, c)
	if c.podsOn(t, "away-0") == "" {
		t.Error("after a rollout no pod is on the node that came back")
	}
}

// node says whether a node is ready, and by which effects it is tainted, as "Unknown NoExecute NoSchedule".
func (c *cluster) node(t *testing.T, name string) string {
	t.Helper()
	var node ocorev1.Node
	if err := c.Get(t.Context(), client.ObjectKey{Name: name}, &node); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, taint := range node.Spec.Taints {
		words = append(words, string(taint.Effect))
	}
	slices.Sort(words)
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			words = slices.Insert(words, 0, string(condition.Status))
		}
	}
	return strings.Join(words, " ")
}

// podsOn says of each pod on a node whether it is ready or lost; "" where there are none.
func (c *cluster) podsOn(t *testing.T, node string) string {
	t.Helper()
	var words []string
	for _, pod := range c.pods(t) {
		if pod.Spec.NodeName != node {
			continue
		}
		if running(&pod) {
			words = append(words, "ready")
		} else {
			words = append(words, "lost")
		}
	}
	return strings.Join(words, " ")
}
