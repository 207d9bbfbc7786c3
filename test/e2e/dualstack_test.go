package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/network/policy"
)

// bothFamilies is the demo on each node, and Services of one family and of both.
const bothFamilies = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: registry.orrery.dev/web:1
        env: [{name: ADDRESSES, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}]
        ports: [{containerPort: 8080, hostPort: 18631}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: six}
spec:
  ipFamilies: [IPv6]
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

// TestDualStack has two nodes, whose pods and Services have addresses of both IP families.
func TestDualStack(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd", "--real-nodes", "2",
		"--cluster-cidr", "10.233.0.0/16,fd00:10:233::/48", "--service-cluster-ip-range", "10.234.0.0/16,fd00:10:234::/112")
	p.apply(bothFamilies)
	p.machines(2)

	t.Run("nodes and pods have two addresses each", func(t *testing.T) {
		p := p.within(t)
		for _, node := range strings.Fields(p.get("nodes", "{.items[*].metadata.name}")) {
			p.hasBoth("node "+node, p.get("node/"+node, `{.status.addresses[?(@.type=="InternalIP")].address}`))
			p.hasBoth("pods of "+node, p.get("node/"+node, "{.spec.podCIDRs[*]}"))
		}
		for _, pod := range p.webPods() {
			p.hasBoth(pod.Name, strings.Join(pod.ips(), " "))
			p.hasBoth("the host of "+pod.Name, strings.Join(pod.hostIPs(), " "))
			if said := p.kubectl("exec", pod.Name, "--", "/web", "env"); !strings.Contains(said, "ADDRESSES="+strings.Join(pod.ips(), ",")) {
				t.Errorf("%s knows of the addresses %q, want %v", pod.Name, said, pod.ips())
			}
		}
	})
	t.Run("pods reach each other from node to node, each seeing the other's address", func(t *testing.T) {
		p := p.within(t)
		pods := p.webPods()
		for i, from := range pods {
			to := pods[1-i]
			for j, ip := range to.ips() {
				said := p.asks(from.Name, "http://"+inURL(ip)+":8080/")
				if !strings.Contains(said, "Hello from "+to.Name) || !strings.Contains(said, "From: "+inURL(from.ips()[j])+":") {
					t.Errorf("%s at %s said %q, want it to see %s", to.Name, ip, said, from.ips()[j])
				}
			}
		}
	})
	t.Run("Services are reached in each of their families", func(t *testing.T) {
		p := p.within(t)
		p.hasBoth("Service web", p.get("service/web", "{.spec.clusterIPs[*]}"))
		await.Until(t, "the load balancer to have two addresses", func() (string, bool) {
			ips := p.get("service/web", "{.status.loadBalancer.ingress[*].ip}")
			return ips, len(strings.Fields(ips)) == 2
		})
		pod := p.webPods()[0]
		urls := []string{"http://six/"}
		for _, ip := range strings.Fields(p.get("service/web", "{.spec.clusterIPs[*]} {.status.loadBalancer.ingress[*].ip}")) {
			urls = append(urls, "http://"+inURL(ip)+"/")
		}
		for _, ip := range pod.hostIPs() {
			urls = append(urls, fmt.Sprintf("http://%s:%s/", inURL(ip), p.get("service/web", "{.spec.ports[0].nodePort}")), "http://"+inURL(ip)+":18631/")
		}
		for _, url := range urls {
			p.asks(pod.Name, url)
			if url != "http://six/" { // a name of the cluster's
				await.Success(t, "the host is answered by "+url, func() error { return fetch(url) })
			}
		}
	})
	t.Run("names lead to addresses of both, and back", func(t *testing.T) {
		p := p.within(t)
		for i, kind := range []string{"A", "AAAA"} {
			ip := strings.Fields(p.get("service/web", "{.spec.clusterIPs[*]}"))[i]
			if said := p.orrery("dns", "web", "--type", kind); !strings.Contains(said, ip) {
				t.Errorf("the records %s of web are %q, want %s", kind, said, ip)
			}
			if said := p.orrery("dns", ip); !strings.Contains(said, "web.default.svc.cluster.local.") {
				t.Errorf("%s is the address of %q", ip, said)
			}
		}
	})
	t.Run("a policy isolates pods at both addresses", func(t *testing.T) {
		p := p.within(t)
		p.apply(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: six}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{ipBlock: {cidr: "fd00:10:233::/48"}}]}]
`)
		pods := p.webPods()
		for i, set := range []string{"isolated-ingress", "isolated-ingress-ipv6"} {
			await.Until(t, "a pod of this machine to be in "+set, func() (string, bool) {
				said, _ := exec.Command("nft", "list", "map", "inet", policy.TableName(p.id()), set).CombinedOutput()
				return string(said), strings.Contains(string(said), pods[0].ips()[i]+" ") || strings.Contains(string(said), pods[1].ips()[i]+" ")
			})
		}
		p.asks(pods[0].Name, "http://"+inURL(pods[1].ips()[1])+":8080/")
	})
	if said := p.fails("up", "--cluster-cidr", "10.233.0.0/16"); !strings.Contains(said, "it has --cluster-cidr=10.233.0.0/16,fd00:10:233::/48") {
		t.Errorf("up with another range says %q", said)
	}
}

// webPod is a pod of the demo, as far as it is about addresses.
type webPod struct {
	Name          string
	IPs, HostedAt []struct{ IP string }
}

func (p webPod) ips() []string { return addressesIn(p.IPs) }

func (p webPod) hostIPs() []string { return addressesIn(p.HostedAt) }

func addressesIn(all []struct{ IP string }) []string {
	var ips []string
	for _, one := range all {
		ips = append(ips, one.IP)
	}
	return ips
}

// webPods are the pods of the demo.
func (p *plane) webPods() []webPod {
	p.t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct {
				PodIPs  []struct{ IP string }
				HostIPs []struct{ IP string }
			}
		}
	}
	if err := json.Unmarshal([]byte(p.kubectl("get", "pods", "-l", "app=web", "-o", "json")), &list); err != nil {
		p.t.Fatal(err)
	}
	var all []webPod
	for _, item := range list.Items {
		all = append(all, webPod{item.Metadata.Name, item.Status.PodIPs, item.Status.HostIPs})
	}
	return all
}

// hasBoth: an address or a range of IPv4, and then one of IPv6.
func (p *plane) hasBoth(what, addresses string) {
	p.t.Helper()
	all := strings.Fields(addresses)
	if len(all) != 2 || strings.Contains(all[0], ":") || !strings.Contains(all[1], ":") {
		p.t.Errorf("%s: the addresses are %q, want one of IPv4 and one of IPv6", what, addresses)
	}
}

// inURL is an address as it stands in a URL.
func inURL(ip string) string {
	if address, err := netip.ParseAddr(ip); err == nil && address.Is6() {
		return "[" + ip + "]"
	}
	return ip
}
