package apiserver

import (
	"crypto/tls"
	"fmt"
	"net"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/pki"
)

// URL is where the server answers, for clients on this machine.
func (s *Server) URL() string { return s.url }

// CA is the certificate, in PEM, that every certificate of this control plane was signed by.
func (s *Server) CA() []byte { return s.store.Authority().Certificate() }

// Config returns a client configuration for a component. Requests are not rate limited on the client's side: the
// server's priority and fairness does that.
//
// The certificate lies in the data directory. It is good for a year, the server renews it in time, and clients made of
// the configuration take up the new one while they run. An ephemeral server does not live that long: the
// configuration then holds the certificate itself.
func (s *Server) Config(who identity.Identity) (*rest.Config, error) {
	config := s.clientConfig()
	if !s.options.Ephemeral {
		var err error
		config.CertFile, config.KeyFile, err = who.Keep(s.store)
		return config, err
	}
	pair, err := who.Sign(s.store.Authority())
	config.CertData, config.KeyData = pair.Certificate, pair.Key
	return config, err
}

// clientConfig is the configuration of a client that is nobody yet.
func (s *Server) clientConfig() *rest.Config {
	return &rest.Config{
		Host:            s.url,
		QPS:             -1,
		UserAgent:       rest.DefaultKubernetesUserAgent(),
		TLSClientConfig: rest.TLSClientConfig{CAData: s.CA()},
	}
}

// Kubeconfig returns a kubeconfig file for a person or component. Its context and cluster are called name.
func (s *Server) Kubeconfig(who identity.Identity, name string) ([]byte, error) {
	pair, err := who.Sign(s.store.Authority())
	if err != nil {
		return nil, err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: s.url, CertificateAuthorityData: s.CA()}
	config.AuthInfos[who.User] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: who.User}
	config.CurrentContext = name
	encoded, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("encoding the kubeconfig of %s: %w", who.User, err)
	}
	return encoded, nil
}

// ServingCertificate signs a certificate for a server of the control plane, such as a node agent, that answers to
// these names: the API server trusts it when it calls node agents.
func (s *Server) ServingCertificate(commonName string, dnsNames []string, ips []net.IP) (tls.Certificate, error) {
	pair, err := s.ServingKeyPair(commonName, dnsNames, ips)
	if err != nil {
		return tls.Certificate{}, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading back the certificate of %s: %w", commonName, err)
	}
	return certificate, nil
}

// ServingKeyPair is the same in PEM, for a server in another process.
func (s *Server) ServingKeyPair(commonName string, dnsNames []string, ips []net.IP) (pki.KeyPair, error) {
	return s.store.Authority().Sign(pki.Leaf{CommonName: commonName, DNSNames: dnsNames, IPs: ips})
}
