package clusterinfo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
)

// configKey is the key of a NodeConfig in its ConfigMap.
const configKey = "config"

// Info is how a cluster is reached and known.
type Info struct {
	// Server is the URL of its API server.
	Server string
	// CA are the certificates of its authority, in PEM.
	CA []byte
}

// encode writes it as a kubeconfig in which nobody is named.
func (i Info) encode() (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters[""] = &clientcmdapi.Cluster{Server: i.Server, CertificateAuthorityData: i.CA}
	text, err := clientcmd.Write(*config)
	if err != nil {
		return "", fmt.Errorf("encoding how the cluster is reached: %w", err)
	}
	return string(text), nil
}

// Of reads it from the ConfigMap cluster-info.
func Of(published *corev1.ConfigMap) (Info, error) {
	config, err := clientcmd.Load([]byte(published.Data[bootstrapapi.KubeConfigKey]))
	if err != nil {
		return Info{}, fmt.Errorf("reading ConfigMap %s/%s: %w", published.Namespace, published.Name, err)
	}
	for _, cluster := range config.Clusters {
		if len(config.Clusters) == 1 && cluster.Server != "" && len(cluster.CertificateAuthorityData) > 0 {
			return Info{Server: cluster.Server, CA: cluster.CertificateAuthorityData}, nil
		}
	}
	return Info{}, fmt.Errorf("reading ConfigMap %s/%s: it names no cluster with its server and authority", published.Namespace, published.Name)
}

// NodeConfig is what a node has to know of its cluster. Its names are those of kubeadm's ClusterConfiguration and of the kubelet's
// configuration.
type NodeConfig struct {
	Networking Networking `json:"networking"`
	// ClusterDNS are the addresses that pods ask for names; none means those that their node asks.
	ClusterDNS []string `json:"clusterDNS,omitempty"`
}

// Networking are the ranges of addresses of a cluster, and the domain of its names, which is the default one if it is empty.
type Networking struct {
	PodSubnet     netip.Prefix `json:"podSubnet"`
	ServiceSubnet netip.Prefix `json:"serviceSubnet"`
	// PodSubnetIPv6 and ServiceSubnetIPv6 are those of IPv6; not valid where there are none.
	PodSubnetIPv6     netip.Prefix `json:"podSubnetIPv6,omitzero"`
	ServiceSubnetIPv6 netip.Prefix `json:"serviceSubnetIPv6,omitzero"`
	DNSDomain         string       `json:"dnsDomain,omitempty"`
}

// NodeConfigOf reads it from the ConfigMap orrery-config.
func NodeConfigOf(published *corev1.ConfigMap) (NodeConfig, error) {
	var c NodeConfig
	err := json.Unmarshal([]byte(published.Data[configKey]), &c)
	if err == nil && (!c.Networking.PodSubnet.IsValid() || !c.Networking.ServiceSubnet.IsValid()) {
		err = errors.New("it does not say which addresses pods and services have")
	}
	if err != nil {
		return NodeConfig{}, fmt.Errorf("reading ConfigMap %s/%s: %w", published.Namespace, published.Name, err)
	}
	return c, nil
}
