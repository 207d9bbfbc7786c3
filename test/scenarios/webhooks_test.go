package scenarios

import (
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

// newWebhooks returns a server for the rules of our kinds, and makes the API server ask it.
func newWebhooks(t *testing.T, config *rest.Config) webhook.Server {
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
	return webhook.NewServer(webhook.Options{
		Host: install.LocalServingHost, Port: install.LocalServingPort, CertDir: install.LocalServingCertDir,
	})
}
