package pki

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/utils/clock"
)

// Names under which certificates lie in the directory.
const (
	authorityName     = "ca"
	frontProxyName    = "front-proxy-ca"
	serverName        = "apiserver"
	kubeletClientName = "apiserver-kubelet-client"
	proxyClientName   = "front-proxy-client"
	signingKeyName    = "service-account"
)

// FrontProxyUser is the common name that extension API servers accept from ours.
const FrontProxyUser = "front-proxy-client"

// KubeletClientUser is the name under which the API server calls node agents.
const KubeletClientUser = "orrery:apiserver"

// Store is everything that one control plane signs and is known by.
type Store struct {
	dir        string
	authority  *Authority
	frontProxy *Authority
}

// Files are the paths that an API server is configured with.
type Files struct {
	Authority                               string
	ServerCertificate, ServerKey            string
	KubeletClientCertificate, KubeletKey    string
	FrontProxyAuthority                     string
	ProxyClientCertificate, ProxyClientKey  string
	ServiceAccountKey, ServiceAccountPublic string
}

// Open opens the store in dir, and makes the directory and the authorities when they are missing.
func Open(dir string, clk clock.PassiveClock) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating certificate directory: %w", err)
	}
	authority, err := openAuthority(dir, authorityName, clk)
	if err != nil {
		return nil, err
	}
	frontProxy, err := openAuthority(dir, frontProxyName, clk)
	if err != nil {
		return nil, err
	}
	return &Store{dir: dir, authority: authority, frontProxy: frontProxy}, nil
}

// Authority signs clients and servers of the control plane.
func (s *Store) Authority() *Authority { return s.authority }

// Files makes or renews everything an API server needs that answers to dnsNames and ips.
func (s *Store) Files(dnsNames []string, ips []net.IP) (Files, error) {
	files := Files{
		Authority:           filepath.Join(s.dir, authorityName+".crt"),
		FrontProxyAuthority: filepath.Join(s.dir, frontProxyName+".crt"),
	}
	var err error
	if files.ServerCertificate, files.ServerKey, err = s.RenewServer(dnsNames, ips); err != nil {
		return Files{}, err
	}
	if files.KubeletClientCertificate, files.KubeletKey, err = s.authority.Keep(kubeletClientName, Leaf{CommonName: KubeletClientUser}); err != nil {
		return Files{}, err
	}
	if files.ProxyClientCertificate, files.ProxyClientKey, err = s.frontProxy.Keep(proxyClientName, Leaf{CommonName: FrontProxyUser}); err != nil {
		return Files{}, err
	}
	files.ServiceAccountKey, files.ServiceAccountPublic, err = keepSigningKey(s.dir, signingKeyName)
	return files, err
}

// RenewServer makes or renews the serving certificate alone. An API server that runs picks up the new file by itself.
func (s *Store) RenewServer(dnsNames []string, ips []net.IP) (certFile, keyFile string, err error) {
	return s.authority.Keep(serverName, Leaf{CommonName: "kube-apiserver", DNSNames: dnsNames, IPs: ips})
}
