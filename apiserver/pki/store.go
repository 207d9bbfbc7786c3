package pki

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"

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
	clientPrefix      = "client-"
)

// FrontProxyUser is the common name that extension API servers accept from ours.
const FrontProxyUser = "front-proxy-client"

// KubeletClientUser is the name under which the API server calls node agents.
const KubeletClientUser = "orrery:apiserver"

// Store is everything that one control plane signs and is known by.
//
// Its methods may be called concurrently.
type Store struct {
	dir        string
	authority  *Authority
	frontProxy *Authority

	mu      sync.Mutex
	clients map[string]Leaf // that Renew keeps, by the names of their files
	etcd    *Authority      // nil where there is no member of etcd
	member  Leaf            // what that is known by
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
	return &Store{dir: dir, authority: authority, frontProxy: frontProxy, clients: map[string]Leaf{}}, nil
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
	if files.KubeletClientCertificate, files.KubeletKey, err = s.keepKubeletClient(); err != nil {
		return Files{}, err
	}
	if files.ProxyClientCertificate, files.ProxyClientKey, err = s.keepProxyClient(); err != nil {
		return Files{}, err
	}
	files.ServiceAccountKey, files.ServiceAccountPublic, err = keepSigningKey(s.dir, signingKeyName)
	return files, err
}

// RenewServer makes or renews the serving certificate alone. An API server that runs picks up the new file by itself.
func (s *Store) RenewServer(dnsNames []string, ips []net.IP) (certFile, keyFile string, err error) {
	return s.authority.Keep(serverName, Leaf{CommonName: "kube-apiserver", DNSNames: dnsNames, IPs: ips})
}

func (s *Store) keepKubeletClient() (certFile, keyFile string, err error) {
	return s.authority.Keep(kubeletClientName, Leaf{CommonName: KubeletClientUser})
}

func (s *Store) keepProxyClient() (certFile, keyFile string, err error) {
	return s.frontProxy.Keep(proxyClientName, Leaf{CommonName: FrontProxyUser})
}

// KeepClient makes or renews the certificate of a client that reads it from its files, and reads them again as long as
// it runs: RenewClients renews it from here on. There is one certificate for each common name.
func (s *Store) KeepClient(leaf Leaf) (certFile, keyFile string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := clientPrefix + url.PathEscape(leaf.CommonName)
	s.clients[name] = leaf
	return s.authority.Keep(name, leaf)
}

// RenewClients renews, where it is time, every certificate that a client of this process reads from a file, and that of the member of etcd.
func (s *Store) RenewClients() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _, err := s.keepKubeletClient()
	_, _, proxyErr := s.keepProxyClient()
	_, _, memberErr := s.keepMember()
	errs := []error{err, proxyErr, memberErr}
	for name, leaf := range s.clients {
		_, _, err := s.authority.Keep(name, leaf)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
