package cli

import (
	"crypto/tls"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// metricsFlags are how a manager serves its metrics, under the names and with the defaults of one that kubebuilder scaffolds.
type metricsFlags struct {
	address string
	secure  bool
	certDir string
	cert    string
	key     string
}

func (f *metricsFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "metrics-bind-address", "0", "`address` of the metrics, as in :8443; 0 for none")
	flags.BoolVar(&f.secure, "metrics-secure", true, "serve the metrics over HTTPS, to whom the API server knows by their token and lets read /metrics; false for HTTP, to anybody")
	flags.StringVar(&f.certDir, "metrics-cert-path", "", "`directory` with the certificate of the metrics; empty for one that signs itself")
	flags.StringVar(&f.cert, "metrics-cert-name", "tls.crt", "`name` of the certificate in it")
	flags.StringVar(&f.key, "metrics-cert-key", "tls.key", "`name` of the certificate's key in it")
}

func (f *metricsFlags) options() metricsserver.Options {
	options := metricsserver.Options{BindAddress: f.address, SecureServing: f.secure}
	if !f.secure {
		return options
	}
	options.FilterProvider = filters.WithAuthenticationAndAuthorization
	options.TLSOpts = []func(*tls.Config){http1}
	if f.certDir != "" {
		options.CertDir, options.CertName, options.KeyName = f.certDir, f.cert, f.key
	}
	return options
}

// http1 turns HTTP/2 off, in which one client can have a server begin any number of requests and call them off (CVE-2023-44487).
func http1(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }
