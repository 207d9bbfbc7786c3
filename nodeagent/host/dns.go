package host

import (
	"fmt"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Limits of a resolv.conf, upstream's. A domain that is longer than a name can be ends some resolvers.
const (
	maxNameservers  = 3
	maxSearch       = 32
	maxSearchLength = 2048
	maxDomainLength = 253
)

// dns is what the pod's /etc/resolv.conf says, by its policy.
func (h *Host) dns(pod *corev1.Pod) (*runtimeapi.DNSConfig, error) {
	policy := pod.Spec.DNSPolicy
	if policy == "" {
		policy = corev1.DNSClusterFirst
	}
	cluster := policy == corev1.DNSClusterFirstWithHostNet || policy == corev1.DNSClusterFirst && !pod.Spec.HostNetwork
	config := &runtimeapi.DNSConfig{}
	switch {
	case policy == corev1.DNSNone:
	case cluster && len(h.ClusterDNS) > 0:
		node, err := h.nodeDNS()
		if err != nil {
			return nil, err
		}
		config.Servers = slices.Clone(h.ClusterDNS)
		config.Searches = []string{
			pod.Namespace + ".svc." + h.ClusterDomain, "svc." + h.ClusterDomain, h.ClusterDomain,
		}
		config.Searches = unique(append(config.Searches, node.Searches...))
		config.Options = []string{"ndots:5"}
	default:
		node, err := h.nodeDNS()
		if err != nil {
			return nil, err
		}
		config = node
	}
	merge(config, pod.Spec.DNSConfig)
	config.Servers = config.Servers[:min(len(config.Servers), maxNameservers)]
	config.Searches = withinLimits(config.Searches)
	return config, nil
}

// withinLimits leaves out what resolvers cannot take: at first what is too many, then what is too long.
func withinLimits(searches []string) []string {
	searches = slices.Clone(searches[:min(len(searches), maxSearch)])
	searches = slices.DeleteFunc(searches, func(domain string) bool { return len(domain) > maxDomainLength })
	for len(strings.Join(searches, " ")) > maxSearchLength {
		searches = searches[:len(searches)-1]
	}
	return searches
}

// merge adds what the pod itself asks for. An option of the same name replaces the other one.
func merge(config *runtimeapi.DNSConfig, own *corev1.PodDNSConfig) {
	if own == nil {
		return
	}
	config.Servers = unique(append(config.Servers, own.Nameservers...))
	config.Searches = unique(append(config.Searches, own.Searches...))
	for _, option := range own.Options {
		text := option.Name
		if option.Value != nil {
			text += ":" + *option.Value
		}
		config.Options = withOption(config.Options, text)
	}
}

// withOption adds an option in the place of one of the same name.
func withOption(options []string, option string) []string {
	name, _, _ := strings.Cut(option, ":")
	options = slices.DeleteFunc(options, func(old string) bool {
		other, _, _ := strings.Cut(old, ":")
		return other == name
	})
	return append(options, option)
}

func unique(values []string) []string {
	var kept []string
	for _, value := range values {
		if !slices.Contains(kept, value) {
			kept = append(kept, value)
		}
	}
	return kept
}

// nodeDNS reads the node's own resolv.conf. A simulated node has none.
func (h *Host) nodeDNS() (*runtimeapi.DNSConfig, error) {
	if h.RootDir == "" {
		return &runtimeapi.DNSConfig{}, nil
	}
	content, err := os.ReadFile(h.ResolvConf)
	if os.IsNotExist(err) {
		return &runtimeapi.DNSConfig{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the node's DNS configuration: %w", err)
	}
	return parseResolvConf(string(content)), nil
}

func parseResolvConf(content string) *runtimeapi.DNSConfig {
	config := &runtimeapi.DNSConfig{}
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			config.Servers = append(config.Servers, fields[1])
		case "search":
			config.Searches = nil
			for _, domain := range fields[1:] {
				if domain != "." {
					config.Searches = append(config.Searches, strings.TrimSuffix(domain, "."))
				}
			}
		case "options":
			for _, option := range fields[1:] {
				config.Options = withOption(config.Options, option)
			}
		}
	}
	return config
}
