package apiserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	// reachTimeout is how long etcd may take to answer at the start.
	reachTimeout = 5 * time.Second
	// defaultPrefix is where in etcd Kubernetes keeps its objects.
	defaultPrefix = "/registry"
)

// sharedLayout is what earlier releases recorded, when they kept the objects of both names in the form of the second.
const sharedLayout = "two names"

// errSharedLayout is why such objects are not served: this release would not see them.
var errSharedLayout = errors.New("the objects there were stored by an earlier release, in a layout that this one does not read: " +
	"choose another place for the data, or give up what is there (orrery reset removes an instance's data)")

// Storage says where the server keeps its objects. It is known once the server has started.
func (s *Server) Storage() ExternalEtcd {
	storage := ExternalEtcd{Prefix: defaultPrefix}
	if s.options.Etcd != nil {
		storage = *s.options.Etcd
	} else {
		storage.Endpoints = []string{s.etcd.Endpoint()}
	}
	if storage.Prefix == "" {
		storage.Prefix = defaultPrefix
	}
	return storage
}

// claimStorage asks etcd whether there is anything that this release cannot read, makes the key for Secrets, and writes the
// definitions of the second names, if they are served, where there is nothing yet. So a wrong endpoint or certificate is one
// clear error at the start. The layout is Kubernetes' own: what any API server of its version wrote is served, and the other
// way round.
func (s *Server) claimStorage(ctx context.Context) (err error) {
	e := s.Storage()
	defer func() {
		if err != nil {
			err = fmt.Errorf("using etcd at %s: %w", strings.Join(e.Endpoints, ", "), err)
		}
	}()
	client, err := e.client()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx, cancel := context.WithTimeoutCause(ctx, reachTimeout, fmt.Errorf("no answer within %s", reachTimeout))
	defer cancel()

	empty, err := e.empty(ctx, client)
	if err == nil {
		err = s.prepareEncryption(ctx, e, client)
	}
	if err == nil && empty && s.options.TwoNames {
		err = e.seedDefinitions(ctx, client)
	}
	if err != nil && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return err
}

// empty reports that there are no objects. That there are some of the old layout is an error.
func (e ExternalEtcd) empty(ctx context.Context, client *clientv3.Client) (bool, error) {
	prefix := strings.Trim(e.Prefix, "/")
	recorded, err := client.Get(ctx, "/orrery/stored-for/"+prefix)
	if err != nil {
		return false, err
	}
	if len(recorded.Kvs) > 0 && string(recorded.Kvs[0].Value) == sharedLayout {
		return false, errSharedLayout
	}
	objects, err := client.Get(ctx, "/"+prefix+"/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return false, err
	}
	return objects.Count == 0, nil
}

func (e ExternalEtcd) client() (*clientv3.Client, error) {
	var tlsConfig *tls.Config
	if e.CAFile != "" || e.CertFile != "" {
		var err error
		info := transport.TLSInfo{TrustedCAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile}
		if tlsConfig, err = info.ClientConfig(); err != nil {
			return nil, err
		}
	}
	return clientv3.New(clientv3.Config{Endpoints: e.Endpoints, TLS: tlsConfig, Logger: zap.NewNop()})
}
