package extender

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/sets"
	restclient "k8s.io/client-go/rest"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// DefaultTimeout is the longest that a call takes where httpTimeout is not set.
const DefaultTimeout = 5 * time.Second

// Extender is one of them. It is safe for concurrent use.
type Extender struct {
	config  configv1.Extender
	client  *http.Client
	managed sets.Set[string]
}

var _ fwk.Extender = &Extender{}

// New returns the extender that a configuration describes. That its certificates cannot be read is an error; that nobody
// answers at its URL is not found out here.
func New(config configv1.Extender) (*Extender, error) {
	transport, err := transport(config)
	if err != nil {
		return nil, fmt.Errorf("building extender %s: %w", config.URLPrefix, err)
	}
	managed := sets.New[string]()
	for _, resource := range config.ManagedResources {
		managed.Insert(resource.Name)
	}
	timeout := config.HTTPTimeout.Duration
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Extender{config: config, client: &http.Client{Transport: transport, Timeout: timeout}, managed: managed}, nil
}

// NewAll returns the extenders in the order in which they are asked: those that are ignorable last.
func NewAll(configs []configv1.Extender) ([]fwk.Extender, error) {
	var extenders []fwk.Extender
	for _, ignorable := range []bool{false, true} {
		for _, config := range configs {
			if config.Ignorable != ignorable {
				continue
			}
			extender, err := New(config)
			if err != nil {
				return nil, err
			}
			extenders = append(extenders, extender)
		}
	}
	return extenders, nil
}

// Ignored returns the resources that extenders look after alone, so that no plugin should ask for them on a node.
func Ignored(configs []configv1.Extender) []string {
	var names []string
	for _, config := range configs {
		for _, resource := range config.ManagedResources {
			if resource.IgnoredByScheduler {
				names = append(names, resource.Name)
			}
		}
	}
	return names
}

// transport is one of this extender's own, so that its certificates and connections are nobody else's.
func transport(config configv1.Extender) (http.RoundTripper, error) {
	var rest restclient.Config
	if tls := config.TLSConfig; tls != nil {
		rest.TLSClientConfig = restclient.TLSClientConfig{
			Insecure: tls.Insecure, ServerName: tls.ServerName,
			CertFile: tls.CertFile, KeyFile: tls.KeyFile, CAFile: tls.CAFile,
			CertData: tls.CertData, KeyData: tls.KeyData, CAData: tls.CAData,
		}
	}
	if config.EnableHTTPS && rest.CAFile == "" && len(rest.CAData) == 0 {
		rest.Insecure = true // As kube-scheduler does: without a CA, nobody is asked who he is.
	}
	tls, err := restclient.TLSConfigFor(&rest)
	if err != nil {
		return nil, fmt.Errorf("reading tlsConfig: %w", err)
	}
	return utilnet.SetTransportDefaults(&http.Transport{TLSClientConfig: tls}), nil
}

// Name returns the URL, which is what an extender is known by.
func (e *Extender) Name() string { return e.config.URLPrefix }

// String is Name.
func (e *Extender) String() string { return e.Name() }

// IsIgnorable reports whether scheduling goes on without the extender when it fails.
func (e *Extender) IsIgnorable() bool { return e.config.Ignorable }

// IsFilter reports whether the extender filters nodes.
func (e *Extender) IsFilter() bool { return e.config.FilterVerb != "" }

// IsPrioritizer reports whether the extender scores nodes.
func (e *Extender) IsPrioritizer() bool { return e.config.PrioritizeVerb != "" }

// IsBinder reports whether the extender binds pods.
func (e *Extender) IsBinder() bool { return e.config.BindVerb != "" }

// SupportsPreemption reports whether the extender wants to be asked about preemption.
func (e *Extender) SupportsPreemption() bool { return e.config.PreemptVerb != "" }

// IsInterested reports whether the extender is to be asked about the pod.
func (e *Extender) IsInterested(pod *corev1.Pod) bool {
	if e.managed.Len() == 0 {
		return true
	}
	return slices.ContainsFunc(pod.Spec.Containers, e.manages) || slices.ContainsFunc(pod.Spec.InitContainers, e.manages)
}

func (e *Extender) manages(container corev1.Container) bool {
	for _, list := range []corev1.ResourceList{container.Resources.Requests, container.Resources.Limits} {
		for name := range list {
			if e.managed.Has(string(name)) {
				return true
			}
		}
	}
	return false
}
