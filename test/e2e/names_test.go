package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/orrery-dev/orrery/internal/await"
)

// named are Services of all kinds that a name leads to, and two pods that ask: one on the pods' network, one on the host's.
const named = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: each}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: printer.outside.test}
---
apiVersion: v1
kind: Pod
metadata: {name: asks, labels: {app: web}}
spec: {hostname: first, subdomain: each, containers: [{name: web, image: "registry.orrery.dev/web:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: asks-from-host}
spec:
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  containers: [{name: web, image: "registry.orrery.dev/web:1", args: [sleep, "3600"]}]
`

func TestPodsFindServicesByTheirNames(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	resolver := outsideResolver(t)
	p := start(t, "--runtime", "containerd")
	p.apply(named)
	p.becomes("Running Running", "pods", "{.items[*].status.phase}")
	p.becomes("kube-dns-"+p.get("nodes", "{.items[0].metadata.name}"), "endpointslices", "{.items[*].metadata.name}",
		"-n", "kube-system", "-l", "kubernetes.io/service-name=kube-dns")
	for _, from := range []string{"asks", "asks-from-host"} {
		p.finds(from, "web", p.get("service/web", "{.spec.clusterIP}"))
		p.finds(from, "kubernetes.default", p.get("service/kubernetes", "{.spec.clusterIP}"))
		p.finds(from, "first.each", p.get("pod/asks", "{.status.podIP}"))
		p.finds(from, "each.default.svc.cluster.local", p.get("pod/asks", "{.status.podIP}"))
	}

	corefile := p.get("configmap/coredns", "{.data.Corefile}", "-n", "kube-system")
	p.corefile(strings.Replace(corefile, "forward . /etc/resolv.conf", "forward . "+resolver, 1))
	p.finds("asks", "printer.outside.test", "203.0.113.7")
	p.finds("asks", "elsewhere", "203.0.113.7")

	p.kubectl("delete", "configmap", "coredns", "-n", "kube-system")
	p.becomes(corefile, "configmap/coredns", "{.data.Corefile}", "-n", "kube-system")
	p.finds("asks", "web", p.get("service/web", "{.spec.clusterIP}"))

	if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.up("--runtime", "containerd")
	p.finds("asks", "web", p.get("service/web", "{.spec.clusterIP}"))
}

// finds waits until a pod finds an address by a name.
func (p *plane) finds(pod, name, address string) {
	p.t.Helper()
	await.Until(p.t, fmt.Sprintf("pod %s to find %s by the name %s", pod, address, name), func() (string, bool) {
		out, err := p.try("kubectl", "exec", pod, "--", "/web", "lookup", name)
		if err != nil {
			return err.Error(), false
		}
		return out, slices.Contains(strings.Fields(out), address)
	})
}

// corefile writes the Corefile.
func (p *plane) corefile(text string) {
	p.t.Helper()
	indented := "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
	p.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: coredns, namespace: kube-system}\ndata:\n  Corefile: |\n" + indented + "\n")
}

// outsideResolver answers for one name of the outside, and returns where.
func outsideResolver(t *testing.T) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listening, ended := make(chan struct{}), make(chan error, 1)
	server := &dns.Server{PacketConn: packets, NotifyStartedFunc: func() { close(listening) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		answer := new(dns.Msg).SetRcode(r, dns.RcodeNameError)
		if q := r.Question[0]; q.Name == "printer.outside.test." {
			answer.Rcode = dns.RcodeSuccess
			if q.Qtype == dns.TypeA {
				answer.Answer = []dns.RR{&dns.A{
					Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(203, 0, 113, 7),
				}}
			}
		}
		_ = w.WriteMsg(answer) // who asked may have gone
	})}
	go func() { ended <- server.ActivateAndServe() }()
	<-listening
	t.Cleanup(func() {
		_ = server.Shutdown()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return packets.LocalAddr().String()
}

// silenced is a pod on each node, which may talk to nobody.
const silenced = everywhere + `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: silent}
spec: {podSelector: {}, policyTypes: [Egress]}
`

func TestEachNodeAnswersItsPods(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd", "--real-nodes", "2")
	p.apply(silenced)
	for _, m := range p.machines(2) {
		p.becomes(m.node, "endpointslice/kube-dns-"+m.node, "{.endpoints[0].nodeName}", "-n", "kube-system")
		p.finds(m.pod, "web", p.get("service/web", "{.spec.clusterIP}"))
	}
}

func TestNamesAreAskedForWhereNodesAreSimulated(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated", "--cluster-domain", "a.test")
	p.kubectl("create", "service", "clusterip", "web", "--tcp=80")
	p.apply("apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}\n")
	p.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: db, labels: {app: db}}\nspec: {containers: [{name: db, image: db}]}\n")
	p.becomes("Running", "pod/db", "{.status.phase}")
	for name, address := range map[string]string{
		"web":                      p.get("service/web", "{.spec.clusterIP}"),
		"kubernetes.default.svc":   p.get("service/kubernetes", "{.spec.clusterIP}"),
		"db.default.svc.a.test":    p.get("pod/db", "{.status.podIP}"),
		"kube-dns.kube-system.svc": p.get("service/kube-dns", "{.spec.clusterIP}", "-n", "kube-system"),
	} {
		await.Until(t, name+" to be "+address, func() (string, bool) {
			out, err := p.try("dns", name)
			return fmt.Sprint(out, err), err == nil && strings.Contains(out, "IN\tA\t"+address+"\n")
		})
	}
	if said := p.fails("dns", "nothing"); !strings.Contains(said, "NXDOMAIN for nothing.default.svc.a.test., ") {
		t.Errorf("of a name that is none it says %q", said)
	}

	p.corefile(".:53 {\n    nonsense\n}\n")
	await.Until(t, "the status to say that the Corefile is not used", func() (string, bool) {
		status := p.orrery("status")
		return status, strings.Contains(status, "Unknown directive 'nonsense'")
	})
	p.orrery("dns", "web")

	p.orrery("down")
	if said := p.fails("up", "--runtime", "simulated", "--cluster-domain", "b.test"); !strings.Contains(said, "was started with a.test") {
		t.Errorf("another domain is refused with %q", said)
	}
	p.up("--runtime", "simulated", "--dns=off")
	if said := p.fails("dns", "web"); !strings.Contains(said, "--dns=off") {
		t.Errorf("without DNS it says %q", said)
	}
}
