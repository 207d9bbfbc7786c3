package apiserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// reachTimeout is how long an external etcd may take to answer at the start.
const reachTimeout = 5 * time.Second

// reach asks the external etcd for a key, so that a wrong endpoint or certificate is one clear error at the start.
func (e *ExternalEtcd) reach(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reaching etcd at %s: %w", strings.Join(e.Endpoints, ", "), err)
		}
	}()
	var tlsConfig *tls.Config
	if e.CAFile != "" || e.CertFile != "" {
		info := transport.TLSInfo{TrustedCAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile}
		if tlsConfig, err = info.ClientConfig(); err != nil {
			return err
		}
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: e.Endpoints, TLS: tlsConfig, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, reachTimeout, fmt.Errorf("no answer within %s", reachTimeout))
	defer cancel()
	_, err = client.Get(ctx, "/orrery-reach")
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if closeErr := client.Close(); err == nil {
		err = closeErr
	}
	return err
}
