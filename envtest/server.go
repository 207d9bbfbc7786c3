package envtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// administrator is who Config is, as with controller-runtime.
var administrator = User{Name: "admin", Groups: []string{"system:masters"}}

// quieten turns off what klog has to say below the level of an error. It is a setting of the whole process.
var quieten = sync.OnceFunc(func() {
	klog.LogToStderr(false) // errors still go there
	klog.SetOutput(io.Discard)
})

func (te *Environment) startServer(ctx context.Context) error {
	if !te.AttachControlPlaneOutput {
		quieten()
	}
	configured := te.ControlPlane.GetAPIServer()
	options := apiserver.Options{Ephemeral: true, TwoNames: te.TwoNames, Flags: te.flags(configured)}
	if address := configured.SecureServing.ListenAddr; address.Address != "" || address.Port != "" {
		listener, err := apiserver.Listen(ctx, address.HostPort())
		if err != nil {
			return err
		}
		options.Listener = listener
	}
	// The server lives until Stop, not until the deadline of its start.
	server, err := apiserver.Start(context.WithoutCancel(ctx), options)
	if err != nil {
		return err
	}
	te.server = server
	if err := server.WaitReady(ctx); err != nil {
		return err
	}
	if te.storage, err = openStorage(ctx, server); err != nil {
		return err
	}
	return te.describe(configured)
}

// flags are the arguments that the caller has configured, over ours.
func (te *Environment) flags(configured *APIServer) []string {
	// Nobody needs to be treated fairly in a test, and it takes a dozen watches to do so.
	flags := []string{"--enable-priority-and-fairness=false", "--profiling=false"}
	if !te.Controllers {
		// The plugin refuses pods until a controller has made the namespace's ServiceAccount.
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	return append(flags, configured.Configure().AsStrings(nil)...)
}

// describe writes into ControlPlane, Config and KubeConfig how the server and its etcd are reached.
func (te *Environment) describe(configured *APIServer) error {
	address, err := url.Parse(te.server.URL())
	if err != nil {
		return fmt.Errorf("reading the address of the API server: %w", err)
	}
	serving := &configured.SecureServing
	serving.Address, serving.Port = address.Hostname(), address.Port()
	serving.CA = te.server.CA()
	serving.Authn = certificates{te.server}
	if te.ControlPlane.Etcd == nil {
		te.ControlPlane.Etcd = &envtest.Etcd{}
	}
	if te.ControlPlane.Etcd.URL, err = url.Parse(te.server.Storage().Endpoints[0]); err != nil {
		return fmt.Errorf("reading the address of etcd: %w", err)
	}

	admin, err := te.AddUser(administrator, &rest.Config{QPS: 1000, Burst: 2000})
	if err != nil {
		return fmt.Errorf("provisioning the administrator: %w", err)
	}
	te.Config = admin.Config()
	if te.KubeConfig, err = admin.KubeConfig(); err != nil {
		return fmt.Errorf("writing the administrator's kubeconfig: %w", err)
	}
	return nil
}

// certificates provisions users by client certificates of the server's authority.
type certificates struct {
	server *apiserver.Server
}

var _ envtest.Authn = certificates{}

// Configure implements envtest.Authn.
func (certificates) Configure(string, *envtest.Arguments) error { return nil }

// Start implements envtest.Authn.
func (certificates) Start() error { return nil }

// Stop implements envtest.Authn.
func (certificates) Stop() error { return nil }

// AddUser implements envtest.Authn.
func (c certificates) AddUser(user envtest.User, base *rest.Config) (*rest.Config, error) {
	if user.Name == "" {
		return nil, errors.New("provisioning a user: it has no name")
	}
	own, err := c.server.Config(identity.Identity{User: user.Name, Groups: user.Groups})
	if err != nil {
		return nil, fmt.Errorf("provisioning user %s: %w", user.Name, err)
	}
	config := rest.CopyConfig(base)
	config.CertData, config.KeyData = own.CertData, own.KeyData
	return config, nil
}

// installer is controller-runtime's environment for a cluster that runs already: it installs definitions and webhooks.
func (te *Environment) installer() *envtest.Environment {
	existing := true
	return &envtest.Environment{
		UseExistingCluster:    &existing,
		Config:                te.Config,
		KubeConfig:            te.KubeConfig,
		Scheme:                te.Scheme,
		CRDInstallOptions:     te.CRDInstallOptions,
		WebhookInstallOptions: te.WebhookInstallOptions,
		ErrorIfCRDPathMissing: te.ErrorIfCRDPathMissing,
		CRDs:                  te.CRDs,
		CRDDirectoryPaths:     te.CRDDirectoryPaths,
	}
}

func (te *Environment) install() error {
	installer := te.installer()
	_, err := installer.Start()
	te.Config, te.KubeConfig, te.Scheme = installer.Config, installer.KubeConfig, installer.Scheme
	te.CRDs, te.CRDInstallOptions, te.WebhookInstallOptions = installer.CRDs, installer.CRDInstallOptions, installer.WebhookInstallOptions
	if err != nil {
		return fmt.Errorf("preparing the API server for the test: %w", err)
	}
	return nil
}

func (te *Environment) uninstall() error {
	if te.Config == nil {
		return nil // it was never reached
	}
	if err := te.installer().Stop(); err != nil {
		return fmt.Errorf("cleaning up after the test: %w", err)
	}
	return nil
}
