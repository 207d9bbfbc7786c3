package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	aggregatorapiserver "k8s.io/kube-aggregator/pkg/apiserver"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/pki"
)

// Peering makes a server's own etcd one of several members, each with an API server, or the first that others join. See etcd.Peering.
type Peering struct {
	// Name is what the member is called.
	Name string
	// Peer and Client are where the other members reach its etcd.
	Peer, Client netip.AddrPort
	// Cluster are the URLs for peers of all members by their names, where the member joins others and has no data yet.
	Cluster map[string]string
	// ForceNew makes a cluster of this member alone out of what it has stored.
	ForceNew bool
}

// MemberKeys are the files that all members of a control plane have to have in common, as Keys are those without which what is stored is
// of no use.
func MemberKeys() []string {
	keys := []string{encryptionFile}
	for _, key := range pki.MemberKeys() {
		keys = append(keys, path.Join(pkiName, key))
	}
	return keys
}

// EncryptionConfig is the path of the configuration by which the server encrypts Secrets; empty if it does not.
func (s *Server) EncryptionConfig() string { return s.options.encryptionConfig() }

// Peered says that the server may be one of several.
func (s *Server) Peered() bool { return s.options.Peering != nil && s.options.Etcd == nil }

// startOwnEtcd starts the member of etcd in the data directory, and returns when it votes.
func (s *Server) startOwnEtcd(ctx context.Context) error {
	dir := EtcdDir(s.options.DataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating etcd's data directory: %w", err)
	}
	options := etcd.Options{Dir: dir, Logger: s.options.Logger, Quota: s.options.EtcdQuota, Ephemeral: s.options.Ephemeral}
	var err error
	if s.Peered() {
		if options.Peering, err = s.peering(); err != nil {
			return err
		}
		defer s.tellOfWait(ctx)()
	}
	if s.etcd, err = etcd.Start(ctx, options); err != nil {
		return err
	}
	return s.etcd.AwaitVote(ctx)
}

// waitTold is after which time a member that does not come up says what it waits for.
const waitTold = 5 * time.Second

// tellOfWait has the log say what a member waits for that does not come up soon, until what it returns is called.
func (s *Server) tellOfWait(ctx context.Context) (ended func()) {
	waiting, stop := context.WithCancel(ctx)
	go func() {
		select {
		case <-time.After(waitTold):
			s.logger().Info("Waiting for other members of etcd: a member goes on when more than half of them run, and a new one when it has caught up", "member", s.options.Peering.Name)
		case <-waiting.Done():
		}
	}()
	return stop
}

// peering is how the member talks to the others.
func (s *Server) peering() (*etcd.Peering, error) {
	o := s.options.Peering
	files, err := s.store.KeepMember([]string{"localhost"}, []net.IP{o.Peer.Addr().AsSlice(), o.Client.Addr().AsSlice()})
	if err != nil {
		return nil, err
	}
	s.etcdFiles = files
	return &etcd.Peering{
		Name: o.Name, Peer: o.Peer, Client: o.Client, Cluster: o.Cluster, ForceNew: o.ForceNew,
		CAFile: files.Authority, CertFile: files.Certificate, KeyFile: files.Key,
	}, nil
}

// MembersClient is a client of this member of etcd that reaches the others, too. It is closed by who asked for it.
func (s *Server) MembersClient() (*clientv3.Client, error) {
	if !s.Peered() {
		return nil, errors.New("the etcd of this server has no members but one")
	}
	info := transport.TLSInfo{TrustedCAFile: s.etcdFiles.Authority, CertFile: s.etcdFiles.Certificate, KeyFile: s.etcdFiles.Key}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading how members of etcd know each other: %w", err)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"https://" + s.options.Peering.Client.String()}, TLS: config, DialTimeout: reachTimeout, Logger: zap.NewNop(),
	})
	if err != nil {
		return nil, fmt.Errorf("reaching etcd: %w", err)
	}
	return client, nil
}

// PeerURL is where the other members are to reach this one's etcd.
func (s *Server) PeerURL() string { return "https://" + s.options.Peering.Peer.String() }

// serveHandlers serves what is no part of the API beside it. Requests are judged as any.
func serveHandlers(chain *aggregatorapiserver.APIAggregator, handlers map[string]http.Handler) {
	for path, handler := range handlers {
		chain.GenericAPIServer.Handler.NonGoRestfulMux.Handle(path, handler)
	}
}
