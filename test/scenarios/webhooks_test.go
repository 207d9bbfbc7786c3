package scenarios

import (
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/orrery-dev/orrery/internal/wiring"
)

// newWebhooks says how the rules of our kinds are served, and makes the API server ask for them.
func newWebhooks(t *testing.T, config *rest.Config) *wiring.Webhooks {
	t.Helper()
	install := envtest.WebhookInstallOptions{Paths: []string{"../../config/webhook/manifests.yaml"}}
	if err := install.Install(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := install.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return &wiring.Webhooks{Server: webhook.Options{
		Host: install.LocalServingHost, Port: install.LocalServingPort, CertDir: install.LocalServingCertDir,
	}}
}
