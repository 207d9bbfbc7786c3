package dns

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/kubernetes"
	"github.com/coredns/coredns/plugin/metrics"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	_ "github.com/coredns/coredns/plugin/cache" // plugins are known by being linked in
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/rewrite"
)

// known are the directives that a Corefile can have, in the order in which CoreDNS asks its plugins.
var known = []string{
	"reload", "ready", "health", "prometheus", "errors", "log", "loadbalance", "rewrite", "cache", "hosts", "kubernetes", "loop", "forward",
}

const (
	// ownPrefix stands before the names of directives that we set up otherwise than the plugin of the name does.
	ownPrefix = "orrery_"
	// listenDirective is in each server block that we run, and says whose it is.
	listenDirective = ownPrefix + "listen"
)

// register makes CoreDNS one that is part of a program. Its registries are the process's, so it is done once.
var register = sync.OnceFunc(func() {
	caddy.Quiet, dnsserver.Quiet = true, true
	directives := []string{listenDirective}
	for _, name := range known {
		if name == "kubernetes" || name == "prometheus" {
			name = ownPrefix + name
		}
		directives = append(directives, name)
	}
	plugin.Register(listenDirective, setUpListening)
	plugin.Register(ownPrefix+"kubernetes", setUpKubernetes)
	plugin.Register(ownPrefix+"prometheus", setUpMetrics)
	plugin.Register("loop", setUpLoop)
	for _, name := range []string{"reload", "ready", "health"} {
		plugin.Register(name, passOver)
	}
	dnsserver.Directives = directives
})

// servers are those of this process, by the numbers in their Corefiles.
var servers sync.Map

// serverKey is where the server is in the storage of a caddy.Instance.
type serverKey struct{}

// serverOf is the server that a directive is set up for: the one that listenDirective, which is first, has named.
func serverOf(c *caddy.Controller) (*server, error) {
	s, ok := c.Get(serverKey{}).(*server)
	if !ok {
		return nil, c.Err("no server is known")
	}
	return s, nil
}

// setUpListening has a server block served at the server's address and at no other.
func setUpListening(c *caddy.Controller) error {
	for c.Next() {
		if !c.NextArg() {
			return c.ArgErr()
		}
		number, err := strconv.ParseUint(c.Val(), 10, 64)
		if err != nil {
			return c.Errf("no number of a server: %v", err)
		}
		found, ok := servers.Load(number)
		if !ok {
			return c.Errf("there is no server %d", number)
		}
		s := found.(*server)
		c.Set(serverKey{}, s)
		dnsserver.GetConfig(c).ListenHosts = []string{s.options.Listen.String()}
	}
	return nil
}

// setUpKubernetes sets the plugin kubernetes up for our API server, as whom we are there. Its own setup would also take what the
// whole process logs.
func setUpKubernetes(c *caddy.Controller) error {
	s, err := serverOf(c)
	if err != nil {
		return err
	}
	var k *kubernetes.Kubernetes
	for c.Next() {
		if k != nil {
			return plugin.Error("kubernetes", plugin.ErrOnce)
		}
		if k, err = kubernetes.ParseStanza(c); err != nil {
			return plugin.Error("kubernetes", err)
		}
	}
	if len(k.APIServerList) > 0 || k.APIClientCert != "" || k.ClientConfig != nil {
		return plugin.Error("kubernetes", c.Err("endpoint, tls and kubeconfig: leave them out, the cluster is this one"))
	}
	k.ClientConfig = cluster{s.options.Config}
	start, stop, err := k.InitKubeCache(context.Background())
	if err != nil {
		return plugin.Error("kubernetes", err)
	}
	c.OnStartup(start)
	c.OnShutdown(stop)
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		k.Next = next
		return k
	})
	return nil
}

// cluster is the configuration that we have as one that was read from a kubeconfig.
type cluster struct{ config *restclient.Config }

var _ clientcmd.ClientConfig = cluster{}

// ClientConfig speaks protobuf, which costs least.
func (c cluster) ClientConfig() (*restclient.Config, error) {
	config := restclient.CopyConfig(c.config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	return config, nil
}

func (cluster) RawConfig() (clientcmdapi.Config, error) { return *clientcmdapi.NewConfig(), nil }
func (cluster) Namespace() (string, bool, error)        { return "", false, nil }
func (cluster) ConfigAccess() clientcmd.ConfigAccess    { return nil }

// setUpMetrics counts what is asked and answered. The plugin's own setup would serve all that is counted in this process.
func setUpMetrics(c *caddy.Controller) error {
	s, err := serverOf(c)
	if err != nil {
		return err
	}
	m := metrics.New("")
	for _, zone := range plugin.OriginsFromArgsOrServerBlock(nil, c.ServerBlockKeys) {
		m.AddZone(zone)
	}
	for c.Next() {
		args := c.RemainingArgs()
		if len(args) > 1 {
			return plugin.Error("prometheus", c.ArgErr())
		}
		if c.NextBlock() {
			return plugin.Error("prometheus", c.Errf("%s is not supported here", c.Val()))
		}
	}
	c.OnStartup(s.serveMetrics)
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		m.Next = next
		return m
	})
	return nil
}

// passOver takes a directive that has no use here: a change of the ConfigMap is taken up at once, and nobody probes a part of a
// process.
func passOver(c *caddy.Controller) error {
	for c.Next() {
		c.RemainingArgs()
		for c.NextBlock() {
			c.RemainingArgs()
		}
	}
	return nil
}

// panicked is the error of what a library panicked with.
func panicked(r any) error { return fmt.Errorf("panic: %v", r) }
