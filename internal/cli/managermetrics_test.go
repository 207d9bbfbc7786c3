package cli

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestMetricsAreForThoseWhoMayReadThemUnlessSomebodySaysOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		secure bool
		cert   string
	}{
		"with an address alone":       {[]string{"--metrics-bind-address=:8443"}, true, ""},
		"with a certificate":          {[]string{"--metrics-bind-address=:8443", "--metrics-cert-path=/certs"}, true, "/certs"},
		"over HTTP if that is wanted": {[]string{"--metrics-bind-address=:8080", "--metrics-secure=false"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var f metricsFlags
			flags := pflag.NewFlagSet("manager", pflag.ContinueOnError)
			f.addFlags(flags)
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			got := f.options()
			if got.SecureServing != c.secure || (got.FilterProvider != nil) != c.secure || got.CertDir != c.cert {
				t.Errorf("HTTPS: %t, with a filter: %t, certificate in %q; want HTTPS and a filter: %t, %q",
					got.SecureServing, got.FilterProvider != nil, got.CertDir, c.secure, c.cert)
			}
		})
	}
}
