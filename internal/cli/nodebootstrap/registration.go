package nodebootstrap

import (
	"fmt"
	"os"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/certificate"
)

// The names of the pairs of certificate and key, as the kubelet has them: the one that counts is NAME-current.pem.
const (
	clientPair  = "kubelet-client"
	servingPair = "kubelet-server"
)

// registration is who the node is, without the pair of its certificate.
func (o *Options) registration(ca []byte, config clusterinfo.NodeConfig) (registration.Registration, error) {
	r := registration.Registration{
		NodeName: o.NodeName, Address: o.Address, Rotates: true,
		ClusterDNS: config.ClusterDNS, ClusterDomain: config.Networking.DNSDomain,
	}
	kubeconfig, err := kubeconfigOf(o.NodeName, o.url(), ca)
	// The proxy and the DNS server run in the process of the agent, and by its name.
	r.Files = registration.Files{NodeKubeconfig: kubeconfig, ProxyKubeconfig: kubeconfig, DNSKubeconfig: kubeconfig, Authority: ca}
	return r, err
}

// kubeconfigOf is the access of a node by the pair that lies beside the file.
func kubeconfigOf(node, server string, ca []byte) ([]byte, error) {
	const name, pair = "orrery", clientPair + "-current.pem"
	user := identity.Node(node).User
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	file.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificate: pair, ClientKey: pair}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user}
	file.CurrentContext = name
	encoded, err := clientcmd.Write(*file)
	if err != nil {
		return nil, fmt.Errorf("encoding the kubeconfig of %s: %w", user, err)
	}
	return encoded, nil
}

// Write writes the registration down. It is whole when this returns, and if it does not there is none.
func (j *Joined) Write() error {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of a registration: %w", err)
	}
	store, err := certificate.NewFileStore(clientPair, j.dir, j.dir, "", "")
	if err == nil {
		_, err = store.Update(j.certificate, j.key)
	}
	if err != nil {
		return fmt.Errorf("writing the certificate of node %s: %w", j.Registration.NodeName, err)
	}
	return j.Registration.Write(j.dir)
}
