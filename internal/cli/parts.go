package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/network/proxy"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

func (m *machine) runNetwork(ctx context.Context, ready func(string)) error {
	if err := m.network.Up(ctx); err != nil {
		return err
	}
	ready(fmt.Sprintf("%s, pods in %s", m.network.Interface(), m.settings.Addresses.Pods))
	<-ctx.Done()
	return nil
}

func (m *machine) runRuntime(ctx context.Context, ready func(string)) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		if err := m.runtime.WaitReady(waiting); err != nil {
			return // Run's error says why
		}
		if err := m.loadImages(waiting); err != nil {
			logger().Error(err, "Images were not loaded")
		}
		ready(m.runtime.Endpoint())
	}()
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	context.AfterFunc(ctx, func() {
		defer end()
		m.stopPods(running)
	})
	return m.runtime.Run(running)
}

// podGrace is how long containers have to end by themselves when the machine's instance is stopped. stopPatience bounds all of it.
const (
	podGrace     = 10 * time.Second
	stopPatience = 30 * time.Second
)

// stopPods ends all pods: who stops an instance wants nothing of it to go on. The next start brings them back.
func (m *machine) stopPods(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	if err := m.runtime.RemovePods(ctx, podGrace); err != nil {
		logger().Error(err, "Some pods were left running")
	}
}

// loadImages puts the images that came with this program into the runtime: the pods' first container, and the demo.
func (m *machine) loadImages(ctx context.Context) error {
	archives, err := filepath.Glob(filepath.Join(programDir(), "images", "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if _, err := m.runtime.Images().Load(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) runProxy(ctx context.Context, ready func(string)) error {
	config, err := m.as(identity.Proxy)
	if err != nil {
		return err
	}
	mgr, err := newManagerFor(config, m.naming, func(*manager.Options) {})
	if err != nil {
		return err
	}
	p, err := proxy.New(proxy.Options{
		Name:        m.inst.ID(),
		NodeName:    m.nodeName(),
		ClusterCIDR: m.settings.Addresses.Pods,
		ServiceCIDR: m.settings.Addresses.Services,
	}, mgr.GetClient())
	if err != nil {
		return err
	}
	if err := p.SetupWithManager(mgr); err != nil {
		return err
	}
	return startManager(ctx, mgr, ready)
}

func (p *controlPlane) runControllers(ctx context.Context, ready func(string)) error {
	config, err := p.as(identity.Controllers)
	if err != nil {
		return err
	}
	mgr, err := newManagerFor(config, p.naming, func(*manager.Options) {})
	if err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("asking for the kinds of the API server: %w", err)
	}
	err = controllers.AddTo(mgr, controllers.Options{
		Discovery: kinds,
		Canonical: apis.Kubernetes.GroupKind,
		RootCA:    p.server.CA(),
		// There is one API server: what it admitted before it knew of a deletion is there at once.
		NamespaceSettle: time.Second,
	})
	if err != nil {
		return err
	}
	return startManager(ctx, mgr, ready)
}

func (p *controlPlane) runScheduler(ctx context.Context, ready func(string)) error {
	config, err := p.as(identity.Scheduler)
	if err != nil {
		return err
	}
	return runScheduler(ctx, config, p.naming, nil, func() { ready("") })
}

func (p *controlPlane) runSimulatedNodes(ctx context.Context, ready func(string)) error {
	config, err := p.as(identity.SimulatedNodes)
	if err != nil {
		return err
	}
	options := simulatedNodes(config, p.naming, p.options.nodes)
	if options.Serving, err = p.serving(ctx, "simulated-nodes", loopback, 0); err != nil {
		return err
	}
	return runFleet(ctx, options, func() { ready(strconv.Itoa(p.options.nodes) + " nodes") })
}

// startManager runs a manager, and calls ready once its caches have filled.
func startManager(ctx context.Context, mgr manager.Manager, ready func(string)) error {
	go func() {
		if mgr.GetCache().WaitForCacheSync(ctx) {
			ready("")
		}
	}()
	return mgr.Start(ctx)
}
