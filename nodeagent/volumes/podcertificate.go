package volumes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// PodCertificates requests certificates for pods, and reads what has become of a request.
type PodCertificates interface {
	Request(ctx context.Context, pod *corev1.Pod, source *corev1.PodCertificateProjection, stub []byte) (name string, err error)
	Read(ctx context.Context, namespace, name string) (*certificatesv1.PodCertificateRequest, error)
}

// errNotIssued has the kubelet's words.
var errNotIssued = errors.New("credential bundle is not issued yet")

// credentials keeps keys and certificates of pods, in memory alone: a pod of an agent that was restarted gets others.
type credentials struct {
	mu   sync.Mutex
	kept map[string]*credential
}

// credential is the key and certificate of one projection, or the way there.
type credential struct {
	key, chain []byte
	refreshAt  time.Time
	// requested is the request that is under way, and nextKey its key.
	requested string
	nextKey   []byte
	// refused is why there will never be another.
	refused error
}

// of returns the credential of a projection, which is empty at first.
func (c *credentials) of(key string) *credential {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[key] == nil {
		c.kept[key] = &credential{}
	}
	return c.kept[key]
}

// forget drops the credentials of the pod whose directory this is; it is named after the pod's UID.
func (c *credentials) forget(dir string) {
	uid := dir[strings.LastIndex(dir, "/")+1:]
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.kept {
		if strings.HasPrefix(key, uid+"/") {
			delete(c.kept, key)
		}
	}
}

// podCertificate is the files of a key and its certificate. They are requested when the volume is mounted first, and anew when the signer
// says that it is time; until then, and while the new ones are awaited, the files are those that there are.
func (m *Manager) podCertificate(ctx context.Context, pod *corev1.Pod, id string, source *corev1.PodCertificateProjection, mode int32) (map[string]File, error) {
	c := m.credentials.of(string(pod.UID) + "/" + id)
	if err := m.advance(ctx, pod, c, source); err != nil && c.chain == nil {
		return nil, err
	}
	switch {
	case c.refused != nil:
		return nil, c.refused
	case c.chain == nil:
		return nil, errNotIssued
	}
	files := map[string]File{}
	for path, data := range map[string][]byte{
		source.CredentialBundlePath: append(append([]byte{}, c.key...), c.chain...), source.KeyPath: c.key, source.CertificateChainPath: c.chain,
	} {
		if path != "" {
			files[path] = ownedByPod(pod, data, mode)
		}
	}
	return files, nil
}

// advance does what is due: it asks for a certificate, or looks what has become of the request.
func (m *Manager) advance(ctx context.Context, pod *corev1.Pod, c *credential, source *corev1.PodCertificateProjection) error {
	if c.refused != nil {
		return nil //nolint:nilerr // for good: whoever wants the certificate is told
	}
	if c.requested == "" {
		if c.chain != nil && m.options.Clock.Now().Before(c.refreshAt) {
			return nil
		}
		key, stub, err := newKey(source.KeyType)
		if err != nil {
			return err
		}
		c.requested, err = m.options.PodCertificates.Request(ctx, pod, source, stub)
		c.nextKey = key
		return err
	}
	request, err := m.options.PodCertificates.Read(ctx, pod.Namespace, c.requested)
	if apierrors.IsNotFound(err) {
		c.requested = "" // somebody deleted it: ask again next time
	}
	if err != nil {
		return err
	}
	c.settle(request)
	return nil
}

// settle takes over what the signer has decided, if it has.
func (c *credential) settle(request *certificatesv1.PodCertificateRequest) {
	for _, condition := range request.Status.Conditions {
		switch condition.Type {
		case certificatesv1.PodCertificateRequestConditionTypeDenied:
			c.refused = fmt.Errorf("PodCertificateRequest was permanently denied: reason=%q message=%q", condition.Reason, condition.Message)
		case certificatesv1.PodCertificateRequestConditionTypeFailed:
			c.refused = fmt.Errorf("PodCertificateRequest was permanently failed: reason=%q message=%q", condition.Reason, condition.Message)
		case certificatesv1.PodCertificateRequestConditionTypeIssued:
			c.key, c.chain = c.nextKey, certificatesOnly([]byte(request.Status.CertificateChain))
			c.refreshAt = request.Status.BeginRefreshAt.Time
			c.requested, c.nextKey = "", nil
		}
	}
}
