package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/spf13/pflag"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/featuregate"
	aggregatorapiserver "k8s.io/kube-aggregator/pkg/apiserver"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	kubeoptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"

	"github.com/orrery-dev/orrery/apiserver/naming"
	"github.com/orrery-dev/orrery/apiserver/openapi"
	"github.com/orrery-dev/orrery/apiserver/pki"
)

// configuring is held while a server is configured: upstream's options write to global variables.
var configuring sync.Mutex

// build makes the chain of servers (aggregator, Kubernetes, custom resources), and serves nothing yet.
func (s *Server) build(ctx context.Context, files pki.Files) (*aggregatorapiserver.APIAggregator, error) {
	configuring.Lock()
	defer configuring.Unlock()
	reloadEncryption()
	s.register()

	upstream, err := s.upstreamOptions(files)
	if err != nil {
		return nil, err
	}
	completed, err := upstream.Complete(ctx)
	if err != nil {
		return nil, fmt.Errorf("completing API server options: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return nil, fmt.Errorf("checking API server options: %w", errors.Join(errs...))
	}
	config, err := app.NewConfig(completed)
	if err != nil {
		return nil, fmt.Errorf("configuring the API server: %w", err)
	}
	orderDiscovery(config)
	outermost(config, openapi.Recent)
	// The server's own clients, such as that which keeps its endpoints, warn of nothing that anybody here could change.
	config.KubeAPIs.ControlPlane.Generic.LoopbackClientConfig.WarningHandler = rest.NoWarnings{}
	if s.options.TwoNames {
		openDoor(config)
	}
	if s.tokens, err = issueTokens(config); err != nil {
		return nil, err
	}
	if completed.EndpointReconcilerType == string(reconcilers.NoneEndpointReconcilerType) {
		config.KubeAPIs.EndpointReconcilerConfig.Reconciler = &noEndpoints{}
	}
	generic := config.KubeAPIs.ControlPlane.Generic
	generic.SkipOpenAPIInstallation = true // package openapi does it
	nameKinds(generic, s.options.Groups)
	// Our own bootstrap does what these hooks would: they begin only after a second.
	generic.DisabledPostStartHooks.Insert(rbacrest.PostStartHookName, schedulingrest.PostStartHookName)

	ready, err := config.Complete()
	if err != nil {
		return nil, fmt.Errorf("configuring the API server: %w", err)
	}
	chain, err := app.CreateServerChain(ready)
	if err != nil {
		return nil, fmt.Errorf("creating the API server: %w", err)
	}
	kubernetes, ok := chain.GenericAPIServer.NextDelegate().(*genericapiserver.GenericAPIServer)
	if !ok {
		return nil, fmt.Errorf("creating the API server: a %T follows the aggregator", chain.GenericAPIServer.NextDelegate())
	}
	if len(s.options.Groups) > 0 {
		if err := kubernetes.InstallAPIGroups(s.options.Groups...); err != nil {
			return nil, fmt.Errorf("installing further API groups: %w", err)
		}
	}
	serveHandlers(chain, s.options.Handlers)
	openapi.Install(kubernetes.Handler.GoRestfulContainer, kubernetes.Handler.NonGoRestfulMux, generic.OpenAPIConfig, generic.OpenAPIV3Config)
	// The servers of the chain share it, and are done with these once they are prepared.
	s.prepared = func() { openapi.Forget(generic.OpenAPIConfig, generic.OpenAPIV3Config) }
	return chain, nil
}

// upstreamOptions says in upstream's terms what Options say in ours, and lays the extra flags over it.
func (s *Server) upstreamOptions(files pki.Files) (*kubeoptions.ServerRunOptions, error) {
	// The gates are those of every server in the process, and keep what they are told even when they refuse it: so that a
	// start which fails here spoils no other, it is tried on a copy.
	if _, err := s.optionsWith(utilfeature.DefaultMutableFeatureGate.DeepCopy(), files); err != nil {
		return nil, err
	}
	return s.optionsWith(utilfeature.DefaultMutableFeatureGate, files)
}

func (s *Server) optionsWith(gates featuregate.MutableVersionedFeatureGate, files pki.Files) (*kubeoptions.ServerRunOptions, error) {
	registry, err := newRegistry(gates)
	if err != nil {
		return nil, err
	}
	u := kubeoptions.NewServerRunOptions()
	u.GenericServerRunOptions.ComponentGlobalsRegistry = registry

	s.setServing(u, files)
	s.setStorage(u)
	if err := s.setAudit(u); err != nil {
		return nil, err
	}
	setAccess(u, files, "https://kubernetes.default.svc."+s.options.ClusterDomain)
	u.Authentication.BootstrapToken.Enable = s.options.NodesJoin
	u.AllowPrivileged = true
	u.ServiceClusterIPRanges = s.options.ServiceCIDR
	if s.options.TwoNames {
		guardSecondNames(u.Admission.GenericAdmission)
	}
	if len(s.options.Unserved) > 0 {
		warnOfUnserved(u.Admission.GenericAdmission, s.options.Unserved)
	}

	flags := flagsOf(u)
	if err := servePodGroups(flags); err != nil {
		return nil, err
	}
	for gate, on := range s.options.FeatureGates {
		if err := flags.Set("feature-gates", fmt.Sprintf("%s=%v", gate, on)); err != nil {
			return nil, fmt.Errorf("setting feature gate %s: %w", gate, err)
		}
	}
	if err := parse(flags, s.options.Flags); err != nil {
		return nil, err
	}
	if err := registry.Set(); err != nil {
		return nil, fmt.Errorf("setting feature gates: %w", err)
	}
	choosePlugins(u.Admission.GenericAdmission)
	if !anyChanged(flags, "allow-metric-labels-manifest", "allow-metric-labels", "disabled-metrics", "show-hidden-metrics-for-version") {
		u.Metrics = nil // it would report at each start that a file which nobody asked for is empty
	}
	return u, nil
}

// choosePlugins adds our choice of admission plugins to that of the flags, which wins.
func choosePlugins(admission *genericoptions.AdmissionOptions) {
	const plugin = "NodeRestriction"
	if !slices.Contains(admission.DisablePlugins, plugin) && !slices.Contains(admission.EnablePlugins, plugin) {
		admission.EnablePlugins = append(slices.Clone(admission.EnablePlugins), plugin)
	}
}

// servePodGroups serves PodGroups and Workloads, which are beta and off by default, so that gangs of pods can be scheduled.
func servePodGroups(flags *pflag.FlagSet) error {
	for _, flag := range [][2]string{
		{"feature-gates", "GenericWorkload=true"},
		{"runtime-config", "scheduling.k8s.io/v1beta1=true"},
	} {
		if err := flags.Set(flag[0], flag[1]); err != nil {
			return fmt.Errorf("serving pod groups: setting --%s=%s: %w", flag[0], flag[1], err)
		}
	}
	return nil
}

// guardSecondNames adds the admission plugin that guards the definitions of the second names. Its place does not matter.
func guardSecondNames(admission *genericoptions.AdmissionOptions) {
	admission.Plugins.Register(naming.GuardName, naming.Guard)
	admission.RecommendedPluginOrder = append(slices.Clone(admission.RecommendedPluginOrder), naming.GuardName)
}

// openDoor lets requests by second names in as requests by the first. The servers of the chain share their authorizer, but
// each has its own copy of the configuration.
func openDoor(config *app.Config) {
	aggregator := config.Aggregator.GenericConfig
	build := aggregator.BuildHandlerChainFunc
	aggregator.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return build(naming.Inner(handler), c)
	}
	outermost(config, naming.Door)
	for _, generic := range []*genericapiserver.Config{&aggregator.Config, config.KubeAPIs.ControlPlane.Generic, &config.ApiExtensions.GenericConfig.Config} {
		generic.Authorization.Authorizer = naming.Authorizer(generic.Authorization.Authorizer)
	}
}

// outermost has every request go through a filter before anything else.
func outermost(config *app.Config, filter func(http.Handler) http.Handler) {
	aggregator := config.Aggregator.GenericConfig
	build := aggregator.BuildHandlerChainFunc
	aggregator.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return filter(build(handler, c))
	}
}

func (s *Server) setServing(u *kubeoptions.ServerRunOptions, files pki.Files) {
	u.SecureServing.Listener = s.listener
	u.SecureServing.ServerCert.CertKey.CertFile = files.ServerCertificate
	u.SecureServing.ServerCert.CertKey.KeyFile = files.ServerKey
	u.EndpointReconcilerType = string(reconcilers.NoneEndpointReconcilerType)
	u.GenericServerRunOptions.AdvertiseAddress = net.IPv4(127, 0, 0, 1)
	if address, ok := s.listener.Addr().(*net.TCPAddr); ok {
		u.SecureServing.BindPort = address.Port
		u.SecureServing.BindAddress = address.IP
	}
	// Endpoints that name a loopback address are refused by validation, and would be of no use to a pod.
	if address := s.options.AdvertiseAddress; address.IsValid() && !address.IsLoopback() {
		u.EndpointReconcilerType = string(reconcilers.LeaseEndpointReconcilerType)
		u.GenericServerRunOptions.AdvertiseAddress = address.AsSlice()
	}
}

func (s *Server) setStorage(u *kubeoptions.ServerRunOptions) {
	storage := s.Storage()
	u.Etcd.StorageConfig.Prefix = storage.Prefix
	transport := &u.Etcd.StorageConfig.Transport
	transport.ServerList = storage.Endpoints
	transport.TrustedCAFile, transport.CertFile, transport.KeyFile = storage.CAFile, storage.CertFile, storage.KeyFile
	if path := s.options.encryptionConfig(); path != "" {
		u.Etcd.EncryptionProviderConfigFilepath, u.Etcd.EncryptionProviderConfigAutomaticReload = path, true
	}
}

// setAccess says who is let in, and how the server shows who it is.
func setAccess(u *kubeoptions.ServerRunOptions, files pki.Files, issuer string) {
	u.Authorization.Modes = []string{"Node", "RBAC"}
	u.Authentication.ClientCert.ClientCA = files.Authority
	u.Authentication.RequestHeader.ClientCAFile = files.FrontProxyAuthority
	u.Authentication.RequestHeader.AllowedNames = []string{pki.FrontProxyUser}
	u.Authentication.RequestHeader.UsernameHeaders = []string{"X-Remote-User"}
	u.Authentication.RequestHeader.UIDHeaders = []string{"X-Remote-Uid"}
	u.Authentication.RequestHeader.GroupHeaders = []string{"X-Remote-Group"}
	u.Authentication.RequestHeader.ExtraHeaderPrefixes = []string{"X-Remote-Extra-"}
	u.ProxyClientCertFile, u.ProxyClientKeyFile = files.ProxyClientCertificate, files.ProxyClientKey

	u.Authentication.ServiceAccounts.Issuers = []string{issuer}
	u.Authentication.ServiceAccounts.KeyFiles = []string{files.ServiceAccountPublic}
	u.ServiceAccountSigningKeyFile = files.ServiceAccountKey

	u.KubeletConfig.PreferredAddressTypes = []string{"InternalIP", "Hostname", "ExternalIP"}
	u.KubeletConfig.TLSClientConfig.CertFile = files.KubeletClientCertificate
	u.KubeletConfig.TLSClientConfig.KeyFile = files.KubeletKey
	u.KubeletConfig.TLSClientConfig.CAFile = files.Authority
}
