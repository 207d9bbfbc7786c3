package faults

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// The components, by the names that faults know them by.
const (
	// loops are all control loops but those that keep time.
	loops = "controllers"
	// timekeepers are loops with a clock of their own, which jumps.
	timekeepers = "timekeepers"
	// nodes are where pods run, and flapping is one that is left to the specs about it.
	nodes, flapping = "nodes", "flaps-"
)

// keepTime are the timekeepers.
var keepTime = []string{"cronjob-controller", "job-controller", "ttl-after-finished-controller"}

// apart keeps pods away from the node that flaps, which do not ask for it.
var apart = corev1.Taint{Key: "example.org/apart", Effect: corev1.TaintEffectNoSchedule}

// aMinute is by how much the timekeepers are ahead of the API server from the beginning, so that the Job of a CronJob which is made
// for every minute is due at once.
const aMinute = 61 * time.Second

// grace is how long a node may be silent: longer than the ten seconds between two of its heartbeats, and the time that a busy machine
// takes for one.
const grace = 25 * time.Second

func joined(words []string, by string) string { return strings.Join(words, by) }

// component is a part of a control plane on the suite's API server.
func component(name string, who identity.Identity, build func(wiring.Cluster) (wiring.Part, error)) envtest.Component {
	return envtest.Component{Name: name, Identity: who, Run: func(ctx context.Context, config *rest.Config) error {
		config.QPS = -1
		cluster := wiring.Cluster{Config: config, Naming: apis.Kubernetes, Log: logr.Discard()}.Beside(env.Server())
		direct := cluster.ConfigOf
		cluster.ConfigOf = func(loop string) (*rest.Config, error) {
			config, err := direct(loop)
			if err != nil {
				return nil, err
			}
			return faults.Config(config, loop, name), nil
		}
		part, err := build(cluster)
		if err != nil {
			return err
		}
		return part.Run(ctx)
	}}
}

// manager is a manager of some of the control loops.
func manager(name, selected string, keeps clock.WithTickerAndDelayedExecution) envtest.Component {
	return component(name, identity.ControllerCache, func(c wiring.Cluster) (wiring.Part, error) {
		options := wiring.ControllersOptions{Clock: keeps, Loops: wiring.Loops{
			Cluster:       true,
			NodeLifecycle: nodelifecycle.Options{MonitorGracePeriod: grace, StartupGracePeriod: grace},
		}}
		if err := options.Selection.Set(selected); err != nil {
			return nil, err
		}
		return wiring.NewControllers(c, options)
	})
}

// jumping is the clock of a machine whose time somebody sets. Whoever waits by it waits as long as he meant to: a timer does not jump.
type jumping struct {
	clock.RealClock
	ahead atomic.Int64
}

// jump sets the clock forwards, or back.
func (c *jumping) jump(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *jumping) Now() time.Time { return c.RealClock.Now().Add(time.Duration(c.ahead.Load())) }

func (c *jumping) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// alsoRuns runs a component besides the others until the spec ends.
func alsoRuns(c envtest.Component) {
	GinkgoHelper()
	config, err := env.Server().Config(c.Identity)
	Expect(err).NotTo(HaveOccurred())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, faults.Config(config, c.Name)) }()
	DeferCleanup(func() {
		stop()
		Expect(<-ended).To(Succeed())
	})
}
