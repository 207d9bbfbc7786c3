package faults

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// patience is how long a spec may take, on a machine that does much else.
const patience = 3 * time.Minute

var (
	faults = envtest.NewFaults(1)
	env    = &envtest.Environment{Faults: faults, Scheduler: true}
	admin  kubernetes.Interface
	// clocks is the time that the timekeepers see.
	clocks = &jumping{}
)

func TestFaults(t *testing.T) {
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(patience)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "Faults")
}

var _ = BeforeSuite(func() {
	fleet := func(name string, o nodeagent.FleetOptions) envtest.Component {
		return component(name, identity.SimulatedNodes, func(c wiring.Cluster) (wiring.Part, error) { return wiring.NewFleet(c, o) })
	}
	clocks.jump(aMinute)
	env.Components = []envtest.Component{
		manager(loops, "*,-"+joined(keepTime, ",-"), nil),
		manager(timekeepers, joined(keepTime, ","), clocks),
		fleet(nodes, nodeagent.FleetOptions{Nodes: 2, NamePrefix: "stays-"}),
		fleet(flapping, nodeagent.FleetOptions{Nodes: 1, NamePrefix: flapping, Taints: []corev1.Taint{apart}}),
	}
	config, err := env.Start()
	Expect(err).NotTo(HaveOccurred())
	config.QPS = -1
	admin = kubernetes.NewForConfigOrDie(config)
})

var _ = AfterSuite(func() {
	faults.Mend()
	Expect(env.Stop()).To(Succeed())
})
