package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/network/segment"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// furthers runs the further nodes of a control plane.
type furthers struct {
	*controlPlane
	segment *segment.Segment
	// one at a time brings up what they share.
	one sync.Mutex
}

// further is one of them.
type further struct {
	*furthers
	n    int
	node *instance.Instance
}

// furtherComponents are those of the nodes from the second on.
func (p *controlPlane) furtherComponents() ([]plane.Component, error) {
	if p.options.realNodes < 2 || p.network == nil {
		return nil, nil
	}
	segment, err := newSegment(p.inst, p.settings)
	if err != nil {
		return nil, err
	}
	all := &furthers{controlPlane: p, segment: segment}
	var components []plane.Component
	for n := 2; n <= p.options.realNodes; n++ {
		f := &further{all, n, furtherNode(p.inst, n)}
		components = append(components, plane.Component{
			Name: f.node.Name, Needs: []string{networkComponent, apiserverComponent}, Run: f.run, Look: f.look,
		})
	}
	return components, nil
}

// run runs the node's process in the node's namespaces.
func (f *further) run(ctx context.Context, ready func(string)) error {
	if err := f.plugIn(ctx); err != nil {
		return err
	}
	registered, err := f.register()
	if err != nil {
		return err
	}
	process, err := f.start(registered.NodeName)
	if err != nil {
		return err
	}
	defer process.letGo()
	asked, stop := context.WithCancel(ctx)
	defer stop()
	return process.wait(ctx, func() {
		go f.inspect(asked)
		ready(fmt.Sprintf("%s at %s", registered.NodeName, registered.Address))
	})
}

// plugIn brings the network of the machine and this node into being, or repairs it.
func (f *further) plugIn(ctx context.Context) error {
	f.one.Lock()
	defer f.one.Unlock()
	if err := f.segment.Up(ctx); err != nil {
		return err
	}
	return f.segment.Join(f.n)
}

// register writes down who the node is, as the cluster's authority says.
func (f *further) register() (registration.Registration, error) {
	name, err := nodeNameOf(f.node, f.nodeName(), f.n)
	if err != nil {
		return registration.Registration{}, err
	}
	r := registration.Registration{
		NodeName: name, Address: f.segment.Address(f.n), ClusterDNS: f.clusterDNS, ClusterDomain: f.settings.Domain,
	}
	pair, err := f.server.ServingKeyPair("system:node:"+name, []string{name}, []net.IP{r.Address.AsSlice()})
	if err != nil {
		return r, err
	}
	r.Files = registration.Files{Certificate: pair.Certificate, Key: pair.Key, Authority: f.server.CA()}
	if r.Files.NodeKubeconfig, err = f.kubeconfigOf(identity.Node(name)); err != nil {
		return r, err
	}
	if r.Files.ProxyKubeconfig, err = f.kubeconfigOf(identity.Proxy); err != nil {
		return r, err
	}
	if len(f.clusterDNS) > 0 {
		if r.Files.DNSKubeconfig, err = f.kubeconfigOf(identity.DNS); err != nil {
			return r, err
		}
	}
	if r.Storage = bool(f.options.storage); r.Storage {
		if r.Files.StorageKubeconfig, err = f.kubeconfigOf(identity.Storage); err != nil {
			return r, err
		}
	}
	if err := f.node.Prepare(); err != nil {
		return r, err
	}
	if err := os.Symlink(registriesDir(f.inst), registriesDir(f.node)); err != nil && !errors.Is(err, os.ErrExist) {
		return r, fmt.Errorf("sharing how registries are reached: %w", err)
	}
	if err := f.node.Adopt(f.settings.Addresses); err != nil {
		return r, err
	}
	return r, r.Write(registrationDir(f.node))
}

// kubeconfigOf is the access of a component on this machine that cannot reach the server's loopback address. It names the files of a
// certificate that the server renews.
func (f *furthers) kubeconfigOf(who identity.Identity) ([]byte, error) {
	config, err := f.server.Config(who)
	if err != nil {
		return nil, err
	}
	return kubeconfigAt("https://"+net.JoinHostPort(f.gateway().String(), strconv.Itoa(f.port())), who.User, config)
}

// kubeconfigAt is a client's configuration as a file, for a server at another address.
func kubeconfigAt(server, user string, config *rest.Config) ([]byte, error) {
	const name = "orrery"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: config.CAData}
	file.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificate: config.CertFile, ClientKey: config.KeyFile}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user}
	file.CurrentContext = name
	encoded, err := clientcmd.Write(*file)
	if err != nil {
		return nil, fmt.Errorf("encoding the kubeconfig of %s: %w", user, err)
	}
	return encoded, nil
}

// start starts the process of 'orrery node'.
func (f *further) start(hostname string) (*furtherProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	args := []string{"--data-dir", f.inst.Path("nodes"), "--name", f.node.Name, "node", "--" + sharedDiskFlag, "--v", strconv.Itoa(f.options.verbosity)}
	if f.options.bin != "" {
		args = append(args, "--runtime-bin", f.options.bin)
	}
	if f.options.seccompDefault {
		args = append(args, "--seccomp-default")
	}
	args = append(args, f.options.config.FileFlags()...)
	if !f.overlay {
		args = append(args, "--overlay=off")
	}
	if nodePorts := f.nodePorts.String(); nodePorts != "" {
		args = append(args, "--"+nodePortsFlag, nodePorts)
	}
	return startFurther(f.node, exec.Command(self, args...), func(program *exec.Cmd) error {
		return f.segment.Start(f.n, hostname, program)
	})
}

// look adds how the parts of the node's process are.
func (f *further) look(c *instance.Component) {
	if c.State != instance.Running {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchPatience)
	defer cancel()
	status, err := f.node.Status(ctx)
	if err != nil {
		c.State, c.LastError = instance.Failed, err.Error()
		return
	}
	for _, part := range status.Components {
		if part.State != instance.Running {
			c.State, c.LastError = part.State, part.Name+": "+orDash(part.LastError)
		}
	}
}
