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

// The forms in which objects are stored.
const (
	storedOneName  = "one name"
	storedTwoNames = "two names"
)

// storage says where the server keeps its objects.
func (s *Server) storage() ExternalEtcd {
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

// claim asks etcd for the form in which objects are stored, and when there are none records ours. So a wrong endpoint
// or certificate is one clear error at the start; and so is a form other than ours, in which none of the objects with
// two names would be seen.
func (e ExternalEtcd) claim(ctx context.Context, twoNames bool) (err error) {
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

	stored, err := e.stored(ctx, client)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	wanted := storedOneName
	if twoNames {
		wanted = storedTwoNames
	}
	switch stored {
	case wanted:
		return nil
	case "":
		if _, err = client.Put(ctx, e.formKey(), wanted); err != nil || !twoNames {
			return err
		}
		return e.seedDefinitions(ctx, client)
	default:
		return fmt.Errorf("the objects there are stored for %s each, and this server is to serve %s: change that, or choose another place for the data", stored, wanted)
	}
}

// formKey is outside of the prefix, so that nobody takes it for an object.
func (e ExternalEtcd) formKey() string { return "/orrery/stored-for/" + strings.Trim(e.Prefix, "/") }

// stored returns the form of the objects that are there, or "" when there are none.
func (e ExternalEtcd) stored(ctx context.Context, client *clientv3.Client) (string, error) {
	recorded, err := client.Get(ctx, e.formKey())
	if err != nil {
		return "", err
	}
	if len(recorded.Kvs) > 0 {
		return string(recorded.Kvs[0].Value), nil
	}
	objects, err := client.Get(ctx, "/"+strings.Trim(e.Prefix, "/")+"/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || objects.Count == 0 {
		return "", err
	}
	return storedOneName, nil // by an API server that is not ours
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
