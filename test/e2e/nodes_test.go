package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/segment"
)

// everywhere is the demo on each node, and a Service of all of them.
const everywhere = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: registry.orrery.dev/web:1}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

// machine is a node with the pod of the demo that runs there.
type machine struct{ node, address, pod, ip string }

// machines waits until the demo runs on so many nodes, and tells of each.
func (p *plane) machines(want int) []machine {
	p.t.Helper()
	p.becomes(strings.TrimSpace(strings.Repeat("True ", want)), "nodes", `{.items[*].status.conditions[?(@.type=="Ready")].status}`)
	p.becomes(fmt.Sprintf("%[1]d %[1]d", want), "daemonset/web", "{.status.desiredNumberScheduled} {.status.numberAvailable}")
	var all []machine
	for _, node := range strings.Fields(p.get("nodes", "{.items[*].metadata.name}")) {
		m := machine{node: node, address: p.get("node/"+node, `{.status.addresses[?(@.type=="InternalIP")].address}`)}
		on := []string{"-l", "app=web", "--field-selector", "spec.nodeName=" + node}
		m.pod = p.get("pods", "{.items[*].metadata.name}", on...)
		m.ip = p.get("pods", "{.items[*].status.podIP}", on...)
		all = append(all, m)
	}
	return all
}

// asks has a pod ask for a URL, until it is answered, and is what it is told.
func (p *plane) asks(pod, url string) (said string) {
	p.t.Helper()
	await.Success(p.t, pod+" is answered by "+url, func() (err error) {
		said, err = p.try("kubectl", "exec", pod, "--", "/web", "wget", url)
		return err
	})
	return said
}

func TestSeveralNodesOnOneMachine(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd", "--real-nodes", "3")
	p.apply(everywhere)
	all := p.machines(3)

	for _, m := range all {
		t.Run("on "+m.node, func(t *testing.T) {
			p := p.within(t)
			p.reachesAll(m, all)
			p.reachesServices(m)
			p.servesLogsAndExec(m)
		})
	}
	for _, part := range []string{"node-2", "node-2-containerd"} {
		if said := p.orrery("logs", part, "--tail", "3"); said == "" {
			t.Errorf("the log of %s is empty", part)
		}
	}
	if said := p.fails("up", "--runtime", "containerd", "--real-nodes", "2"); !strings.Contains(said, "it has --real-nodes=3, and not 2") {
		t.Errorf("up with another number says %q", said)
	}

	t.Run("unplugged and plugged in", func(t *testing.T) { p.within(t).isUnplugged(all[0], all[1]) })
	t.Run("killed", func(t *testing.T) { p.within(t).goesOnAfterKill() })
	t.Run("fewer and more", func(t *testing.T) { p.within(t).hasFewerAndMore(all[2].node) })
	t.Run("removed", func(t *testing.T) { p.within(t).leavesNothing() })
}

// within is the control plane as a part of the test uses it.
func (p *plane) within(t *testing.T) *plane { return &plane{t: t, dir: p.dir, name: p.name} }

// reachesAll: the pod of a node reaches those of all nodes, which see its own address.
func (p *plane) reachesAll(m machine, all []machine) {
	for _, to := range all {
		said := p.asks(m.pod, "http://"+to.ip+":8080/")
		if !strings.Contains(said, "Hello from "+to.pod) || !strings.Contains(said, "From: "+m.ip+":") {
			p.t.Errorf("the pod on %s said %q, want %s to see %s", to.node, said, to.pod, m.ip)
		}
	}
}

// reachesServices: by the cluster IP every pod, by name, by the node's address and by the load balancer's one of them, and the API server.
func (p *plane) reachesServices(m machine) {
	service := p.get("service/web", "{.spec.clusterIP}")
	seen := map[string]bool{}
	await.Until(p.t, "each of 3 pods to have answered", func() (string, bool) {
		seen[answered(p.asks(m.pod, "http://"+service+"/"))] = true
		return fmt.Sprint(seen), len(seen) == 3
	})
	p.asks(m.pod, "http://web/")
	nodePort := "http://" + m.address + ":" + p.get("service/web", "{.spec.ports[0].nodePort}") + "/"
	p.asks(m.pod, nodePort)
	await.Success(p.t, "the host is answered by "+nodePort, func() error { return fetch(nodePort) })
	p.becomes("VIP", "service/web", "{.status.loadBalancer.ingress[0].ipMode}")
	balancer := "http://" + p.get("service/web", "{.status.loadBalancer.ingress[0].ip}") + "/"
	p.asks(m.pod, balancer)
	await.Success(p.t, "the host is answered by "+balancer, func() error { return fetch(balancer) })
	if said := p.asks(m.pod, "https://"+p.get("service/kubernetes", "{.spec.clusterIP}")+"/healthz"); said != "ok" {
		p.t.Errorf("the API server says %q", said)
	}
}

var hello = regexp.MustCompile(`Hello from (\S+)`)

// answered is which pod said something.
func answered(said string) string {
	if found := hello.FindStringSubmatch(said); found != nil {
		return found[1]
	}
	return "nobody: " + said
}

func fetch(url string) error {
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Get(url)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close() // it was read
	return err
}

func (p *plane) servesLogsAndExec(m machine) {
	if said := p.kubectl("logs", m.pod); !strings.Contains(said, "listening") {
		p.t.Errorf("the log of %s is %q", m.pod, said)
	}
	if said := strings.TrimSpace(p.kubectl("exec", m.pod, "--", "/web", "cat", "/etc/hostname")); said != m.pod {
		p.t.Errorf("%s is called %q", m.pod, said)
	}
}

// isUnplugged pulls the cable of a node, and plugs it in again.
func (p *plane) isUnplugged(first, node machine) {
	port, err := netlink.LinkByName(segment.PortName(p.id(), 2))
	if err == nil {
		err = netlink.LinkSetDown(port)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if said, err := p.try("kubectl", "exec", first.pod, "--", "/web", "wget", "http://"+node.ip+":8080/"); err == nil {
		p.t.Errorf("a pod on a node without a cable said %q", said)
	}
	if err := netlink.LinkSetUp(port); err != nil {
		p.t.Fatal(err)
	}
	p.asks(first.pod, "http://"+node.ip+":8080/")
	p.asks(node.pod, "http://"+first.ip+":8080/")
	p.machines(3)
}

// goesOnAfterKill: containers run on, on each node, and are adopted.
func (p *plane) goesOnAfterKill() {
	started := p.containers()
	p.kill()
	p.up("--runtime", "containerd")
	all := p.machines(3)
	if now := p.containers(); now != started {
		p.t.Errorf("containers before:\n%s\nand after:\n%s\nwant the same: they are adopted", started, now)
	}
	p.reachesAll(all[2], all)
}

// hasFewerAndMore: a node that is not wanted any more is gone with its pods, one that is wanted again comes back.
func (p *plane) hasFewerAndMore(last string) {
	p.orrery("down")
	p.up("--runtime", "containerd", "--real-nodes", "2")
	if node := p.get("node/"+last, "{.metadata.name}"); node != "" {
		p.t.Errorf("Node %s is there", node)
	}
	p.machines(2)
	if _, err := os.Stat(segment.Namespace(p.id(), 3)); !os.IsNotExist(err) {
		p.t.Errorf("its network namespace is there (%v)", err)
	}
	p.orrery("down")
	p.up("--runtime", "containerd", "--real-nodes", "3")
	all := p.machines(3)
	p.reachesAll(all[2], all)
}

// leavesNothing: neither after it was killed and its directory removed by hand.
func (p *plane) leavesNothing() {
	id := p.id()
	p.kill()
	_ = os.RemoveAll(p.path("nodes")) // but for what is mounted in it
	p.orrery("down")
	p.orrery("reset", "--yes")
	if left := p.processes(); len(left) > 0 {
		p.t.Errorf("there still are the processes %q", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, of := range []string{p.path(), segment.Namespace(id, 2)} {
		if strings.Contains(string(mounts), of) {
			p.t.Errorf("there still are mounts of %s", of)
		}
	}
	if nodes, err := segment.Nodes(id); err != nil || len(nodes) > 0 {
		p.t.Errorf("there still are network namespaces of nodes %v (%v)", nodes, err)
	}
	for _, device := range []string{segment.InterfaceName(id), segment.PortName(id, 2), segment.PortName(id, 3)} {
		if _, err := netlink.LinkByName(device); err == nil {
			p.t.Errorf("there still is the device %s", device)
		}
	}
	for _, n := range []int{2, 3} {
		node := instance.Instance{Name: fmt.Sprintf("node-%d", n), Dir: p.path("nodes", fmt.Sprintf("node-%d", n))}
		if groups, err := filepath.Glob("/sys/fs/cgroup/*/orrery-" + node.ID()); err != nil || len(groups) > 0 {
			p.t.Errorf("there still are control groups %v (%v)", groups, err)
		}
	}
}

// id is what is made on the machine in the control plane's name.
func (p *plane) id() string {
	p.t.Helper()
	inst, err := instance.Open(p.dir, p.name)
	if err != nil {
		p.t.Fatal(err)
	}
	return inst.ID()
}
