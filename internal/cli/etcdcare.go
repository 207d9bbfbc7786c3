package cli

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/orrery-dev/orrery/apiserver/etcd/care"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// etcdCare looks after the etcd of the control plane.
type etcdCare struct {
	*controlPlane
	client atomic.Pointer[clientv3.Client] // while the component runs
}

// etcdComponents is the component that looks after the store; none, where it is somebody else's.
func (p *controlPlane) etcdComponents() []plane.Component {
	if p.options.etcd.external() != nil {
		return nil
	}
	c := &etcdCare{controlPlane: p}
	return []plane.Component{{Name: etcdComponent, Needs: []string{apiserverComponent}, Run: c.run, Look: c.look}}
}

func (c *etcdCare) run(ctx context.Context, ready func(string)) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: c.server.Storage().Endpoints, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return fmt.Errorf("reaching etcd: %w", err)
	}
	defer func() { _ = client.Close() }() // whatever it says, nobody uses it any more
	c.client.Store(client)
	defer c.client.Store(nil)
	if c.member == nil { // there is nobody else to look after, and so no component that does
		defer c.membership.reachedBy(client)()
	}
	e := engine.New(care.New(client), engine.Options[engine.One]{Name: etcdComponent, Registerer: metrics.Registry, Log: logger().WithName(etcdComponent)})
	inspected.of(etcdComponent)(engine.Inspect(e, engine.ParseOne))
	e.Wake(engine.One{})
	ready("")
	e.Run(ctx)
	return nil
}

// look tells how large the store is, and what a person has to do something about.
func (c *etcdCare) look(shown *instance.Component) {
	client := c.client.Load()
	if client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	world, err := care.Look(ctx, client)
	if err == nil {
		shown.Detail = world.String()
		err = world.Problem()
	}
	if err != nil {
		shown.LastError = err.Error()
	}
}
