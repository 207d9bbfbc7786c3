package certificates

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Serving is the certificate of the webhooks, as the Secret has it now. The zero value has none yet.
type Serving struct {
	current atomic.Pointer[tls.Certificate]
}

// GetCertificate is for [tls.Config]. A server without a certificate turns its clients away, which do not take it for ready then.
func (s *Serving) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := s.current.Load(); current != nil {
		return current, nil
	}
	return nil, errors.New("the webhooks have no certificate yet")
}

// Follow takes up what the Secret holds from when the manager starts, whether it leads or not. The manager's cache has to be one that
// [Options.Cached] narrows.
func (s *Serving) Follow(mgr manager.Manager, o Options) error {
	informer, err := mgr.GetCache().GetInformer(context.Background(), &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching Secret %s: %w", o.Secret, err)
	}
	take := func(obj any) {
		if secret, ok := obj.(*corev1.Secret); ok && client.ObjectKeyFromObject(secret) == o.Secret {
			s.take(secret)
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: take, UpdateFunc: func(_, obj any) { take(obj) }})
	if err != nil {
		return fmt.Errorf("watching Secret %s: %w", o.Secret, err)
	}
	return nil
}

// take takes a pair up. One that is none leaves the last in its place.
func (s *Serving) take(secret *corev1.Secret) {
	if read, err := tls.X509KeyPair(secret.Data[certificateKey], secret.Data[privateKey]); err == nil {
		s.current.Store(&read)
	}
}
