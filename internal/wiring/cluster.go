package wiring

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/version"
)

// Cluster is an API server, as a part knows it that runs against it.
type Cluster struct {
	// Config is how the part reaches the API server, and as whom.
	Config *rest.Config
	// ConfigOf is how one control loop reaches the API server, under a name of its own. Nil means by Config, as all loops.
	ConfigOf func(loop string) (*rest.Config, error)
	// SignToken signs tokens of ServiceAccounts that are kept in Secrets, by the key that the API server knows them by. Nil means
	// that nobody here has that key: the loop that fills those Secrets is not run then.
	SignToken func(ctx context.Context, account *corev1.ServiceAccount, secret *corev1.Secret) (string, error)
	// SignCertificate signs certificates with the key of the cluster's authority. Nil means that nobody here has that key: the loop
	// that has requested certificates signed is not run then.
	SignCertificate func(template *x509.Certificate, public crypto.PublicKey) ([]byte, error)
	// Naming says by which names the part knows our kinds.
	Naming apis.Naming
	// Own says that the API server is one of ours: both names of a kind are of the same objects there.
	Own bool
	// Several says that there are other API servers of ours on the same objects, or may be. Where there is one, all of it knows at once
	// what one of it knows.
	Several bool
	// Clock is the time that the part lives by; nil means the real one.
	Clock clock.WithTickerAndDelayedExecution
	// Activity is told of what the part does; nil tells nobody.
	Activity *activity.Tracker
	// Log takes what the part says. With the zero value a manager says it to controller-runtime's log, and others nothing.
	Log logr.Logger
}

// Own is the cluster of an API server of ours in this process, as a component knows it. Each control loop of the component is
// somebody of its own there.
func Own(server *apiserver.Server, who identity.Identity, log logr.Logger) (Cluster, error) {
	config, err := server.Config(who)
	if err != nil {
		return Cluster{}, fmt.Errorf("making the certificate of %s: %w", who.User, err)
	}
	return Cluster{Config: config, Naming: apis.Kubernetes, Log: log}.Beside(server), nil
}

// Beside is a cluster whose API server is one of ours, in the process of the part: it has the keys of the server, and each control
// loop is somebody of its own.
func (c Cluster) Beside(server *apiserver.Server) Cluster {
	c.Own, c.Several, c.ConfigOf = true, server.Peered(), server.ControllerConfig
	c.SignToken, c.SignCertificate = server.SignServiceAccountToken, server.SignCertificate
	return c
}

// IsOwn asks an API server whether it is one of ours: it says so in its version.
func IsOwn(config *rest.Config) (bool, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return false, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	stated, err := client.ServerVersion()
	if err != nil {
		return false, fmt.Errorf("asking the cluster at %s for its version: %w", config.Host, err)
	}
	_, _, ours := version.Read(stated.GitVersion)
	return ours, nil
}

// Scheme is a new scheme with all kinds that our parts use, ours under the names of a naming.
func Scheme(naming apis.Naming) (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	return scheme, nil
}

// discovery is a client that asks the cluster which kinds it has.
func (c Cluster) discovery() (*discovery.DiscoveryClient, error) {
	client, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("asking for the kinds of the cluster at %s: %w", c.Config.Host, err)
	}
	return client, nil
}

// NewManager makes a manager of our kinds, without servers unless configure adds them; nil adds none.
func NewManager(c Cluster, configure func(*manager.Options)) (*Manager, error) {
	scheme, err := Scheme(c.Naming)
	if err != nil {
		return nil, err
	}
	anyName := true // a process may run the same loops for several clusters
	options := manager.Options{
		Scheme:                 scheme,
		Logger:                 c.Log,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Controller:             config.Controller{SkipNameValidation: &anyName},
		// No loop reads who wrote which field, and it is half of a small object.
		Cache: cache.Options{NewInformer: c.Activity.Informers(scheme, loop.NewInformer), DefaultTransform: cache.TransformStripManagedFields()},
	}
	if configure != nil {
		configure(&options)
	}
	end := &quietEnd{}
	options.Logger = end.of(options.Logger)
	mgr, err := manager.New(unwarned(c.Config), options)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", c.Config.Host, err)
	}
	return &Manager{Manager: mgr, end: end, ready: make(chan struct{}), stop: func() {}}, nil
}

// unwarned is how a loop reaches the API server, which warns people of what they should write otherwise. A loop cannot: some serve
// kinds that are deprecated, as Endpoints.
func unwarned(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.WarningHandler, config.WarningHandlerWithContext = rest.NoWarnings{}, nil
	return config
}
