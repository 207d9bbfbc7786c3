package envtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/nodeagent"
)

// Types that are controller-runtime's own.
type (
	// ControlPlane holds arguments for the API server, and how to reach it.
	ControlPlane = envtest.ControlPlane
	// APIServer is the part of ControlPlane about the API server.
	APIServer = envtest.APIServer
	// User is a user to provision.
	User = envtest.User
	// AuthenticatedUser is a user that was provisioned.
	AuthenticatedUser = envtest.AuthenticatedUser
	// CRDInstallOptions say which custom resource definitions to install, and how.
	CRDInstallOptions = envtest.CRDInstallOptions
	// WebhookInstallOptions say which webhooks to install, and how.
	WebhookInstallOptions = envtest.WebhookInstallOptions
)

// Environment is a control plane for tests. The zero value is an API server with an etcd.
type Environment struct {
	// ControlPlane takes arguments for the API server before Start, by
	// ControlPlane.GetAPIServer().Configure(). After Start it says how to reach the server and its etcd, and provisions users.
	// Paths of binaries in it are not used.
	ControlPlane ControlPlane

	// Scheme tells which custom resource definitions need conversion webhooks. Nil means client-go's scheme.Scheme.
	Scheme *runtime.Scheme

	// Config reaches the API server as an administrator. Start sets it, unless UseExistingCluster is true.
	Config *rest.Config

	// KubeConfig is a kubeconfig file that says the same as Config.
	KubeConfig []byte

	// CRDInstallOptions are the options for installing custom resource definitions.
	CRDInstallOptions CRDInstallOptions
	// WebhookInstallOptions are the options for installing webhooks.
	WebhookInstallOptions WebhookInstallOptions
	// ErrorIfCRDPathMissing makes a path without definitions an error.
	ErrorIfCRDPathMissing bool
	// CRDs are definitions to install, besides those in CRDInstallOptions. After Start: all that were installed.
	CRDs []*apiextensionsv1.CustomResourceDefinition
	// CRDDirectoryPaths are directories or files of definitions, besides those in CRDInstallOptions.
	CRDDirectoryPaths []string

	// DownloadBinaryAssets, DownloadBinaryAssetsVersion, DownloadBinaryAssetsIndexURL and BinaryAssetsDirectory are
	// there for suites that set them. They have no effect: there are no binaries.
	DownloadBinaryAssets         bool
	DownloadBinaryAssetsVersion  string
	DownloadBinaryAssetsIndexURL string
	BinaryAssetsDirectory        string

	// UseExistingCluster takes a cluster that runs, found by Config or the usual kubeconfig, in place of starting one.
	// Nil means what the environment variable USE_EXISTING_CLUSTER says.
	UseExistingCluster *bool

	// ControlPlaneStartTimeout is how long the control plane may take to be ready. Zero means what
	// KUBEBUILDER_CONTROLPLANE_START_TIMEOUT says, or else 60 seconds.
	ControlPlaneStartTimeout time.Duration
	// ControlPlaneStopTimeout is how long Stop waits for components to end. Zero means what
	// KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT says, or else 60 seconds.
	ControlPlaneStopTimeout time.Duration

	// AttachControlPlaneOutput shows what the control plane logs. KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT=true does, too.
	AttachControlPlaneOutput bool

	// TwoNames serves our kinds under the groups of the Orrery naming as well (apps.orrery.dev), as second names of the
	// same objects. It takes a second longer to start.
	TwoNames bool
	// Controllers runs the controllers.
	Controllers bool
	// Scheduler runs the scheduler.
	Scheduler bool
	// SimulatedNodes is how many nodes with a simulated container runtime there are.
	SimulatedNodes int
	// Components are further parts to run against the API server.
	Components []Component
	// Faults are met by all of these; Config meets none. Nil means that nothing goes wrong.
	Faults *Faults
	// Clock is the time of all that waits in these: back-offs, TTLs, schedules, heartbeats, probes. It stands still but for Advance. Nil
	// means the real one.
	Clock *Clock

	mu       sync.Mutex
	server   *apiserver.Server
	running  *running
	killed   map[string]Component // what Restart can start again
	existing bool
	asked    *definitions
	storage  *storage // nil while no server of our own runs

	fleet atomic.Pointer[nodeagent.Fleet] // that of the last start

	trackOnce sync.Once
	tracker   *activity.Tracker
}

// definitions are the fields that Start replaces by what it has installed, and Stop puts back.
type definitions struct {
	crds    []*apiextensionsv1.CustomResourceDefinition
	options CRDInstallOptions
}

// Start starts the control plane and its components, installs definitions and webhooks, and returns Config. When it
// fails, nothing is left running.
func (te *Environment) Start() (*rest.Config, error) {
	te.mu.Lock()
	defer te.mu.Unlock()
	config, err := te.start()
	if err != nil {
		return nil, errors.Join(err, te.stop())
	}
	return config, nil
}

func (te *Environment) start() (*rest.Config, error) {
	if te.server != nil || te.running != nil {
		return nil, errors.New("starting the test environment: it runs already")
	}
	if err := te.defaults(); err != nil {
		return nil, err
	}
	te.existing = te.useExistingCluster()
	if !te.existing {
		ctx, cancel := context.WithTimeoutCause(context.Background(), te.ControlPlaneStartTimeout,
			fmt.Errorf("not ready after %s", te.ControlPlaneStartTimeout))
		defer cancel()
		if err := te.startServer(ctx); err != nil {
			return nil, fmt.Errorf("starting the test environment: %w", err)
		}
	}
	te.asked = &definitions{crds: te.CRDs, options: te.CRDInstallOptions}
	if err := te.install(); err != nil {
		return nil, err
	}
	te.killed = map[string]Component{}
	te.running = te.run(te.components())
	return te.Config, nil
}

// Stop ends the components and the control plane. It returns within ControlPlaneStopTimeout and half a minute, whatever
// happens, and may be called when Start has failed or was never called.
func (te *Environment) Stop() error {
	te.mu.Lock()
	defer te.mu.Unlock()
	return te.stop()
}

func (te *Environment) stop() error {
	err := te.running.stop(te.ControlPlaneStopTimeout)
	te.running = nil
	if te.existing || te.server != nil {
		err = errors.Join(err, te.uninstall())
	}
	if te.storage != nil {
		err = errors.Join(err, te.storage.close())
		te.storage = nil
	}
	if te.server != nil {
		err = errors.Join(err, te.server.Stop())
		te.server = nil
	}
	if te.asked != nil {
		te.CRDs, te.CRDInstallOptions = te.asked.crds, te.asked.options
		te.asked = nil
	}
	return err
}

// AddUser provisions a user. Settings in baseConfig, such as QPS, are kept; nil is allowed.
func (te *Environment) AddUser(user User, baseConfig *rest.Config) (*AuthenticatedUser, error) {
	return te.ControlPlane.AddUser(user, baseConfig)
}

// Server is the API server that runs, or nil.
func (te *Environment) Server() *apiserver.Server {
	te.mu.Lock()
	defer te.mu.Unlock()
	return te.server
}

// defaults fills in what the environment variables of controller-runtime's package say.
func (te *Environment) defaults() error {
	if os.Getenv("KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT") == "true" {
		te.AttachControlPlaneOutput = true
	}
	for name, timeout := range map[string]*time.Duration{
		"KUBEBUILDER_CONTROLPLANE_START_TIMEOUT": &te.ControlPlaneStartTimeout,
		"KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT":  &te.ControlPlaneStopTimeout,
	} {
		if *timeout != 0 {
			continue
		}
		*timeout = time.Minute
		if value := os.Getenv(name); value != "" {
			parsed, err := time.ParseDuration(value)
			if err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
			*timeout = parsed
		}
	}
	return nil
}

func (te *Environment) useExistingCluster() bool {
	if te.UseExistingCluster == nil {
		return os.Getenv("USE_EXISTING_CLUSTER") == "true"
	}
	return *te.UseExistingCluster
}
