package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/network/segment"
)

// attic is a machine that becomes a node.
type attic struct {
	otherMachine
	// node is the process of 'orrery node' there.
	node *exec.Cmd
	// namespace is the file by which it is entered.
	namespace string
}

const (
	atticName = "attic"
	atticNode = 2
)

// newAttic lays the cable. Its end here is where the control plane is reached.
func newAttic(t *testing.T) *attic {
	t.Helper()
	link := layCable(t, "e2e", "198.18.77.0/24")
	m := &attic{otherMachine: newOtherMachine(t, link, atticNode, atticName, "node"), namespace: segment.Namespace(fmt.Sprintf("e2e-%d", os.Getpid()), atticNode)}
	t.Cleanup(m.removeAll)
	return m
}

// becomesNode starts the node's process.
func (m *attic) becomesNode(args ...string) {
	m.t.Helper()
	log, err := os.OpenFile(m.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	m.node = m.start(log, args...)
}

func (m *attic) log() string { return filepath.Join(m.dir, "said.log") }

// isKilled ends the node's process as a power failure would, but for its containers.
func (m *attic) isKilled() {
	if m.node != nil {
		_ = m.node.Process.Signal(syscall.SIGKILL) // it may have ended
		_ = m.node.Wait()                          // killed
		m.node = nil
	}
}

func (m *attic) removeAll() {
	if m.t.Failed() {
		said, _ := os.ReadFile(m.log())
		m.t.Logf("the node said:\n%s", said)
	}
	m.isKilled()
	for _, args := range [][]string{{"down"}, {"reset", "--yes"}} {
		if said, err := m.says(args...); err != nil {
			m.t.Errorf("orrery %s on the other machine: %v\n%s", strings.Join(args, " "), err, said)
		}
	}
}

// links are the network interfaces there.
func (m *attic) links() string {
	var names []string
	out, err := exec.Command("nsenter", "--net="+m.namespace, "ip", "-o", "link").Output()
	if err != nil {
		m.t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			name, _, _ := strings.Cut(strings.TrimSuffix(fields[1], ":"), "@")
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func TestAnotherMachineJoinsAndLeaves(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	m := newAttic(t)
	p := start(t, "--runtime", "containerd", "--bind-address", m.net.Address(1).String())
	p.apply(everywhere)

	command := strings.Fields(p.orrery("token", "create", "--print-join-command"))
	if len(command) != 8 || command[0] != "orrery" || command[3] != net.JoinHostPort(m.net.Address(1).String(), p.port()) {
		t.Fatalf("the command is %q", command)
	}
	wrong := append([]string{}, command[1:]...)
	wrong[4] = "zzzzzz.0123456789abcdef"
	if said, err := m.says(wrong...); err == nil || !strings.Contains(said, "knows no token zzzzzz") || strings.Count(said, "\n") != 1 {
		t.Errorf("with a wrong token it says %q (%v), want one sentence about it", said, err)
	}
	if left, err := filepath.Glob(filepath.Join(m.dir, "node", "*")); err != nil || len(left) > 0 {
		t.Errorf("a join that failed has left %v (%v)", left, err)
	}

	m.becomesNode(append(command[1:], "--shared-disk")...)
	all := p.machines(2)
	for _, one := range all {
		t.Run("on "+one.node, func(t *testing.T) {
			p := p.within(t)
			p.reachesAll(one, all)
			p.asks(one.pod, "http://web/")
			p.servesLogsAndExec(one)
		})
	}
	t.Run("killed, and started without the token", func(t *testing.T) {
		p := p.within(t)
		p.orrery("token", "delete", strings.SplitN(command[5], ".", 2)[0])
		m.isKilled()
		m.becomesNode("node", "--shared-disk")
		now := p.machines(2)
		p.reachesAll(now[0], now)
		p.servesLogsAndExec(now[0])
	})
	t.Run("leaves", func(t *testing.T) { p.within(t).isLeftBy(m) })
}

// isLeftBy has the other machine be no node any more.
func (p *plane) isLeftBy(m *attic) {
	p.apply(`
apiVersion: v1
kind: Pod
metadata: {name: guest}
spec:
  nodeName: ` + atticName + `
  terminationGracePeriodSeconds: 1
  containers: [{name: web, image: registry.orrery.dev/web:1}]
`)
	p.becomes("Running", "pod/guest", "{.status.phase}")
	said, err := m.says("node", "leave")
	if err != nil || !strings.Contains(said, "pod default/guest is evicted") {
		p.t.Fatalf("it says %q (%v)", said, err)
	}
	_ = m.node.Wait() // it was asked to end
	m.node = nil
	if left := p.get("nodes", "{.items[*].metadata.name}"); strings.Contains(left, atticName) {
		p.t.Errorf("the nodes are %s", left)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "node")); !os.IsNotExist(err) {
		p.t.Errorf("its directory is there (%v)", err)
	}
	if left := m.links(); left != "lo eth0" {
		p.t.Errorf("its links are %s", left)
	}
	await.Until(p.t, "the route to its pods to be gone", func() (string, bool) {
		all, err := netlink.RouteList(nil, netlink.FAMILY_V4)
		for _, r := range all {
			if r.Gw.String() == m.net.Address(atticNode).String() {
				return r.String(), false
			}
		}
		return fmt.Sprint(err), err == nil
	})
}
