package wiring

import (
	"crypto/tls"
	"maps"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/webhooks"
	"github.com/orrery-dev/orrery/webhooks/certificates"
)

// Webhooks are how a manager serves defaults, validation and PodSecurity of our kinds.
type Webhooks struct {
	// Options say by what they judge.
	webhooks.Options
	// Server is where they are served, and with which certificate unless Certificates says so.
	Server webhook.Options
	// Certificates keeps a certificate that is renewed without anybody's help; nil keeps none.
	Certificates *certificates.Options

	serving certificates.Serving
}

// configure has the manager serve, and read of Secrets what it keeps the certificate in.
func (w *Webhooks) configure(m *manager.Options) {
	server := w.Server
	if w.Certificates != nil {
		server.TLSOpts = append(server.TLSOpts[:len(server.TLSOpts):len(server.TLSOpts)], func(c *tls.Config) { c.GetCertificate = w.serving.GetCertificate })
		if m.Cache.ByObject == nil {
			m.Cache.ByObject = map[client.Object]cache.ByObject{}
		}
		maps.Copy(m.Cache.ByObject, w.Certificates.Cached())
	}
	m.WebhookServer = webhook.NewServer(server)
}

// addTo adds the webhooks to the manager, and returns how many loops came with them.
func (w *Webhooks) addTo(mgr manager.Manager, options loop.Options) (int, error) {
	if err := webhooks.AddTo(mgr, w.Options); err != nil {
		return 0, err
	}
	if w.Certificates == nil {
		return 0, nil
	}
	if err := w.serving.Follow(mgr, *w.Certificates); err != nil {
		return 0, err
	}
	return 1, loop.AddAll(mgr, options, certificates.Loop(*w.Certificates))
}
