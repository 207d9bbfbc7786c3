package pki

import (
	"net"
	"path/filepath"
)

// The etcd of a control plane has an authority of its own: whom it has signed is a member, or its API server, and can read and write all
// that is stored. No client of the API server is signed by it.
const (
	etcdAuthorityName = "etcd-ca"
	etcdMemberName    = "etcd-member"
)

// EtcdFiles are the paths by which a member of an etcd knows the others, and is known by them. Its certificate is that of a server and
// of a client.
type EtcdFiles struct{ Authority, Certificate, Key string }

// KeepMember makes or renews what a member of etcd needs that answers to dnsNames and ips, and makes the authority of etcd where it is
// missing. RenewClients renews the certificate from here on.
func (s *Store) KeepMember(dnsNames []string, ips []net.IP) (EtcdFiles, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.etcd == nil {
		authority, err := openAuthority(s.dir, etcdAuthorityName, s.authority.clock)
		if err != nil {
			return EtcdFiles{}, err
		}
		s.etcd = authority
	}
	s.member = Leaf{CommonName: etcdMemberName, DNSNames: dnsNames, IPs: ips}
	files := EtcdFiles{Authority: filepath.Join(s.dir, etcdAuthorityName+".crt")}
	var err error
	files.Certificate, files.Key, err = s.keepMember()
	return files, err
}

// keepMember keeps the certificate of the member of etcd, where there is one.
func (s *Store) keepMember() (certFile, keyFile string, err error) {
	if s.etcd == nil {
		return "", "", nil
	}
	return s.etcd.Keep(etcdMemberName, s.member)
}

// MemberKeys are the files in a store's directory that all members of a control plane have to have in common: see [Keys], and the
// authority of etcd. That one a store with a single member can make again.
func MemberKeys() []string { return append(Keys(), etcdAuthorityName+".crt", etcdAuthorityName+".key") }
