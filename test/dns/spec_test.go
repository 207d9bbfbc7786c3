package dns

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// The names of sections are those of the specification.
func TestRecordsAreThoseOfTheSpecification(t *testing.T) {
	c := start(t)
	c.namespace("shop")
	both := []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	require := corev1.IPFamilyPolicyRequireDualStack
	c.service("web", corev1.ServiceSpec{
		ClusterIPs: []string{"10.96.1.1", "fd10:96::101"}, ClusterIP: "10.96.1.1", IPFamilies: both, IPFamilyPolicy: &require,
		Ports: []corev1.ServicePort{{Name: "http", Port: 80}, {Name: "names", Port: 53, Protocol: corev1.ProtocolUDP}},
	})
	c.service("db", corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, IPFamilies: both, IPFamilyPolicy: &require, Ports: []corev1.ServicePort{{Name: "sql", Port: 5432}},
	})
	c.slice("db", "db-4", discoveryv1.AddressTypeIPv4,
		endpoint("10.1.0.5", "db-0", true), endpoint("10.1.0.6", "", true), endpoint("10.1.0.7", "db-2", false))
	c.slice("db", "db-6", discoveryv1.AddressTypeIPv6, endpoint("fd01::5", "db-0", true))
	c.service("empty", corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Name: "sql", Port: 5432}}})
	c.service("elsewhere", corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "www.example.com"})
	c.answers("elsewhere.shop.svc.a.test", "CNAME", "elsewhere.shop.svc.a.test. CNAME www.example.com.") // all of them are seen now, but for slices
	c.answers("db-0.db.shop.svc.a.test", "AAAA", "db-0.db.shop.svc.a.test. AAAA fd01::5")
	c.answers("db-0.db.shop.svc.a.test", "A", "db-0.db.shop.svc.a.test. A 10.1.0.5")

	for _, q := range []struct {
		section, name, kind string
		want                []string
	}{
		{"2.2 schema version", "dns-version.a.test", "TXT", []string{`dns-version.a.test. TXT "1.1.0"`}},

		{"2.3.1 a Service with a ClusterIP", "web.shop.svc.a.test", "A", []string{"web.shop.svc.a.test. A 10.96.1.1"}},
		{"2.3.1 its other family", "web.shop.svc.a.test", "AAAA", []string{"web.shop.svc.a.test. AAAA fd10:96::101"}},
		{"2.3.1 the API server", "kubernetes.default.svc.a.test", "A", []string{"kubernetes.default.svc.a.test. A 10.96.0.1"}},
		{"2.3.2 SRV of a named port", "_http._tcp.web.shop.svc.a.test", "SRV", []string{
			"_http._tcp.web.shop.svc.a.test. SRV 0 100 80 web.shop.svc.a.test.",
		}},
		{"2.3.2 SRV of a port over UDP", "_names._udp.web.shop.svc.a.test", "SRV", []string{
			"_names._udp.web.shop.svc.a.test. SRV 0 100 53 web.shop.svc.a.test.",
		}},
		{"2.3.2 no SRV of a port that is none", "_ftp._tcp.web.shop.svc.a.test", "SRV", []string{"NXDOMAIN"}},
		{"2.3.3 PTR of a ClusterIP", "1.1.96.10.in-addr.arpa", "PTR", []string{"1.1.96.10.in-addr.arpa. PTR web.shop.svc.a.test."}},
		{"2.3.3 PTR of its other family", "1.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.d.f.ip6.arpa", "PTR", []string{
			"1.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.d.f.ip6.arpa. PTR web.shop.svc.a.test.",
		}},

		{"2.4.1 the ready endpoints of a headless Service", "db.shop.svc.a.test", "A", []string{
			"db.shop.svc.a.test. A 10.1.0.5", "db.shop.svc.a.test. A 10.1.0.6",
		}},
		{"2.4.1 their other family", "db.shop.svc.a.test", "AAAA", []string{"db.shop.svc.a.test. AAAA fd01::5"}},
		{"2.4.1 an endpoint without a hostname", "10-1-0-6.db.shop.svc.a.test", "A", []string{"10-1-0-6.db.shop.svc.a.test. A 10.1.0.6"}},
		{"2.4.1 no endpoint that is not ready", "db-2.db.shop.svc.a.test", "A", []string{"NXDOMAIN"}},
		{"2.4.1 no records of a Service without endpoints", "empty.shop.svc.a.test", "A", []string{"NXDOMAIN"}},
		{"2.4.2 SRV of the endpoints", "_sql._tcp.db.shop.svc.a.test", "SRV", []string{
			"_sql._tcp.db.shop.svc.a.test. SRV 0 33 5432 10-1-0-6.db.shop.svc.a.test.",
			"_sql._tcp.db.shop.svc.a.test. SRV 0 33 5432 db-0.db.shop.svc.a.test.",
		}},
		{"2.4.3 PTR of an endpoint", "5.0.1.10.in-addr.arpa", "PTR", []string{"5.0.1.10.in-addr.arpa. PTR db-0.db.shop.svc.a.test."}},

		{"2.5 ExternalName", "elsewhere.shop.svc.a.test", "CNAME", []string{"elsewhere.shop.svc.a.test. CNAME www.example.com."}},

		{"pods by their addresses", "10-1-0-5.shop.pod.a.test", "A", []string{"10-1-0-5.shop.pod.a.test. A 10.1.0.5"}},
		{"no Service", "web2.shop.svc.a.test", "A", []string{"NXDOMAIN"}},
		{"no namespace", "web.shop2.svc.a.test", "A", []string{"NXDOMAIN"}},
		{"no records of that type", "web.shop.svc.a.test", "MX", []string{"NOERROR"}},
	} {
		t.Run(q.section, func(t *testing.T) {
			got := c.ask(q.name, q.kind)
			if len(got) != len(q.want) {
				t.Fatalf("%s %s: got %q, want %q", q.kind, q.name, got, q.want)
			}
			for i := range got {
				if got[i] != q.want[i] {
					t.Errorf("%s %s: got %q, want %q", q.kind, q.name, got[i], q.want[i])
				}
			}
		})
	}
}
