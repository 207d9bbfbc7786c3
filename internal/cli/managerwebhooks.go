package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/webhooks"
	"github.com/orrery-dev/orrery/webhooks/certificates"
)

// webhookFlags are how a manager serves webhooks. It serves none unless one of the flags says where the certificate is.
type webhookFlags struct {
	certDir     string
	secret      string
	service     string
	host        string
	port        int
	podSecurity string
}

func (f *webhookFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.certDir, "webhook-cert-path", "", "`directory` with tls.crt and tls.key, to serve defaulting, validation and PodSecurity as webhooks; empty for none")
	flags.StringVar(&f.secret, "webhook-cert-secret", "", "`name` of a Secret, which has to be there, to serve webhooks with a certificate that the manager makes, renews and keeps in it, and has the API server trust; NAMESPACE/NAME, or NAME in the namespace of the pod this runs in")
	flags.StringVar(&f.service, "webhook-service", "orrery-webhook-service", "`name` of the Service in that namespace by which the API server reaches the webhooks; with --webhook-cert-secret")
	flags.StringVar(&f.host, "webhook-host", "", "`address` to serve webhooks at; empty for all")
	flags.IntVar(&f.port, "webhook-port", webhook.DefaultPort, "`port` to serve webhooks at")
	flags.StringVar(&f.podSecurity, "pod-security-config", "", "`file` with a PodSecurityConfiguration, as kube-apiserver takes it: the levels of namespaces without labels, and who is exempt from PodSecurity; without it privileged, and nobody")
}

// webhooks is what the flags ask for; nil is to serve none.
func (f *webhookFlags) webhooks() (*wiring.Webhooks, error) {
	switch {
	case f.certDir != "" && f.secret != "":
		return nil, errors.New("--webhook-cert-path and --webhook-cert-secret both say where the certificate of the webhooks is: leave one of them out")
	case f.certDir == "" && f.secret == "" && f.podSecurity != "":
		return nil, errors.New("--pod-security-config is for webhooks, and none are served: say where their certificate is with --webhook-cert-secret or --webhook-cert-path")
	case f.certDir == "" && f.secret == "":
		return nil, nil
	}
	configuration, err := webhooks.LoadPodSecurity(f.podSecurity)
	if err != nil {
		return nil, fmt.Errorf("--pod-security-config %s: %w", f.podSecurity, err)
	}
	w := &wiring.Webhooks{
		Options: webhooks.Options{PodSecurity: configuration},
		Server:  webhook.Options{Host: f.host, Port: f.port, CertDir: f.certDir, TLSOpts: []func(*tls.Config){http1}},
	}
	if f.secret != "" {
		w.Certificates, err = f.certificates()
	}
	return w, err
}

// certificates is where the manager keeps its certificate.
func (f *webhookFlags) certificates() (*certificates.Options, error) {
	namespace, name, qualified := strings.Cut(f.secret, "/")
	if !qualified {
		content, err := os.ReadFile(podNamespaceFile)
		if err != nil {
			return nil, fmt.Errorf("--webhook-cert-secret %s: this process runs in no pod, so say in which namespace, as in orrery-system/%s", f.secret, f.secret)
		}
		namespace, name = strings.TrimSpace(string(content)), f.secret
	}
	if namespace == "" || name == "" || f.service == "" {
		return nil, fmt.Errorf("--webhook-cert-secret %q with --webhook-service %q: want NAMESPACE/NAME or NAME, and the name of a Service", f.secret, f.service)
	}
	return &certificates.Options{
		Secret: client.ObjectKey{Namespace: namespace, Name: name}, Service: client.ObjectKey{Namespace: namespace, Name: f.service},
	}, nil
}
