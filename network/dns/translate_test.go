package dns

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTranslate(t *testing.T) {
	here := place{server: 7, port: 5353, upstreams: []string{"192.0.2.53", "2001:db8::53"}}
	for _, c := range []struct {
		name, corefile, want string
	}{
		{"listens where we do", ".:53 {\n  errors\n}", `
.:5353 { orrery_listen 7
errors
}`},
		{"listens on the port of a block that has another than DNS", ".:1053 {\n  errors\n}", `
.:1053 { orrery_listen 7
errors
}`},
		{"listens for a block that names no port", "dns://example.com 10.0.0.0/8 {\n  errors\n}", `
example.com:5353 10.0.0.0/8:5353 { orrery_listen 7
errors
}`},
		{"asks our API server, and counts for itself", ".:53 {\n  kubernetes a.b {\n    ttl 30\n  }\n  prometheus :9153\n}", `
.:5353 { orrery_listen 7
orrery_kubernetes a.b {
ttl 30
}
orrery_prometheus :9153
}`},
		{"forwards to the resolvers of the machine", ".:53 {\n  forward . /etc/resolv.conf {\n    max_concurrent 1000\n  }\n}", `
.:5353 { orrery_listen 7
forward . 192.0.2.53 2001:db8::53 {
max_concurrent 1000
}
}`},
		{"reads hosts from the block, and not from the machine", ".:53 {\n  hosts {\n    192.0.2.1 a.b\n  }\n}\na.b {\n  hosts /etc/hosts a.b {\n    192.0.2.2 c.a.b\n  }\n}", `
.:5353 { orrery_listen 7
hosts /dev/null {
192.0.2.1 a.b
}
}
a.b:5353 { orrery_listen 7
hosts /dev/null a.b {
192.0.2.2 c.a.b
}
}`},
		{"forwards to whom the user names", ".:53 {\n  forward a.b 198.51.100.1\n  forward c.d tls://198.51.100.2\n}", `
.:5353 { orrery_listen 7
forward a.b 198.51.100.1
forward c.d tls://198.51.100.2
}`},
		{"keeps the lines of directives", "# ours\n\n.:53 {\n\n  errors\n\n\n  log\n}", `
.:5353 { orrery_listen 7



errors


log
}`},
		{"keeps words with spaces in one", ".:53 {\n  log . \"{remote} {name}\" {\n    class all\n  }\n}", `
.:5353 { orrery_listen 7
log . "{remote} {name}" {
class all
}
}`},
		{"imports a snippet of its own", "(common) {\n  errors\n}\n.:53 {\n  import common\n}", `
.:5353 { orrery_listen 7
errors
}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := translate(c.corefile, here)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), strings.TrimSpace(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingIsForwardedToNobody(t *testing.T) {
	got, err := translate(".:53 {\n  forward . /etc/resolv.conf {\n    max_concurrent 9\n  }\n  forward a.b 192.0.2.1\n}", place{port: 53})
	if err != nil || strings.Contains(got, "max_concurrent") || !strings.Contains(got, "forward a.b 192.0.2.1") {
		t.Errorf("got %v and\n%s", err, got)
	}
}

func TestTheDefaultCorefileCanBeTranslated(t *testing.T) {
	got, err := translate(DefaultCorefile("cluster.local"), place{server: 1, port: 53, upstreams: []string{"192.0.2.53"}})
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(got, "\n"); !strings.Contains(lines[6], "orrery_kubernetes cluster.local") {
		t.Errorf("the directive kubernetes is in another line than line 7:\n%s", got)
	}
}

func TestACorefileIsRefused(t *testing.T) {
	for _, c := range []struct{ name, corefile, want string }{
		{"that is empty", "  \n", "no server block"},
		{"with a directive that we do not have", ".:53 {\n  dnssec\n}", "Corefile:2 - Error during parsing: Unknown directive 'dnssec'"},
		{"that ends too early", ".:53 {\n  errors\n", "expecting '}'"},
		{"that imports a file", ".:53 {\n  import /etc/passwd\n}", "Corefile:2 - import: only snippets"},
		{"that imports a file before a block", "import /etc/passwd\n", "only snippets"},
		{"that imports files beside a snippet", "(a) {\n  errors\n}\n.:53 {\n  import a\n  import *\n}", "Corefile:6 - import: only snippets"},
		{"that imports nothing", ".:53 {\n  import\n}", "only snippets"},
		{"that imports a snippet of a name like a path", "(/etc/passwd) {\n errors\n}\n.:53 {\n  import /etc/passwd\n}", "only snippets"},
		{"that reads the environment", ".:53 {\n  forward . {$RESOLVER}\n}", "variable of the environment"},
		{"that forwards to whom a file names", ".:53 {\n  forward . /etc/passwd\n}", "Corefile:2 - /etc/passwd: no file"},
		{"that shows a certificate of the machine", ".:53 {\n  forward . tls://192.0.2.1 {\n    tls a.pem b.pem\n  }\n}", "Corefile:3 - tls: no file"},
		{"that weighs by a file", ".:53 {\n  loadbalance weighted weights\n}", "Corefile:2 - weighted: no file"},
		{"that serves something else than DNS", "https://.:443 {\n  errors\n}", "https is not served here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := translate(c.corefile, place{port: 53})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q; translated:\n%s", err, c.want, got)
			}
		})
	}
}
