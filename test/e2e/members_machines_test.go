package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/orrery-dev/orrery/internal/await"
)

// cabinet is machines on one link.
type cabinet struct{ machines []*cpMachine }

// cpMachine is one of them, which is to be a member of the control plane.
type cpMachine struct {
	cabinet *cabinet
	otherMachine
}

func newCabinet(t *testing.T, n int) *cabinet {
	t.Helper()
	c, link := &cabinet{}, layCable(t, "e2e-cp", "198.18.78.0/24")
	for i := range n {
		m := &cpMachine{cabinet: c, otherMachine: newOtherMachine(t, link, i+2, "cp-"+strconv.Itoa(i+1), "cp")}
		t.Cleanup(m.removeAll)
		c.machines = append(c.machines, m)
	}
	return c
}

func (m *cpMachine) address() string { return m.net.Address(m.n).String() }

// server is where others reach its API server.
func (m *cpMachine) server() string { return net.JoinHostPort(m.address(), "6443") }

// orrery runs the program there, which has to succeed.
func (m *cpMachine) orrery(args ...string) string {
	m.t.Helper()
	said, err := m.says(args...)
	if err != nil {
		m.t.Fatalf("orrery %s on %s: %v\n%s", strings.Join(args, " "), m.name, err, said)
	}
	return said
}

// does has the program do something there, again while a control plane in which another member has just begun to lead says no.
func (m *cpMachine) does(args ...string) {
	m.t.Helper()
	await.Success(m.t, "orrery "+strings.Join(args, " ")+" succeeds on "+m.name, func() error {
		said, err := m.says(args...)
		if err != nil && !strings.Contains(said, "AlreadyExists") { // as where it was done, and nobody was told
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
}

// refuses runs the program there, which has to fail with one sentence that has a part.
func (m *cpMachine) refuses(part string, args ...string) {
	m.t.Helper()
	said, err := m.says(args...)
	if err == nil || !strings.Contains(said, part) || strings.Count(said, "\n") != 1 {
		m.t.Errorf("orrery %s on %s says %q (%v), want one sentence with %q", strings.Join(args, " "), m.name, said, err, part)
	}
}

// isKilled ends the control plane there as a power failure would.
func (m *cpMachine) isKilled() {
	m.t.Helper()
	m.isSent(syscall.SIGKILL)
}

// isSent sends the process of the control plane there a signal.
func (m *cpMachine) isSent(signal syscall.Signal) {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "cp", "pid"))
	if err != nil {
		m.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, signal)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *cpMachine) removeAll() {
	if m.t.Failed() {
		for _, args := range [][]string{{"status"}, {"members"}, {"logs", "--tail", "40"}} {
			said, err := m.says(args...)
			m.t.Logf("orrery %s on %s: %v\n%s", strings.Join(args, " "), m.name, err, said)
		}
	}
	for _, args := range [][]string{{"down", "--timeout", "5s"}, {"reset", "--yes"}} {
		if said, err := m.says(args...); err != nil {
			m.t.Errorf("orrery %s on %s: %v\n%s", strings.Join(args, " "), m.name, err, said)
		}
	}
}

// joinCommand is what a member says to type on another machine. It warns of a token by which nobody can join yet, as while the member
// that signs them has just been lost.
func (m *cpMachine) joinCommand() (command []string) {
	m.t.Helper()
	await.Until(m.t, "a token by which a machine can join at once", func() (string, bool) {
		said, err := m.says("token", "create", "--control-plane", "--print-join-command")
		if err != nil || strings.Count(said, "\n") != 1 {
			return fmt.Sprintf("%s (%v)", said, err), false
		}
		command = strings.Fields(said)[1:]
		return said, true
	})
	return command
}

// listedMembers are what a member knows of all of them.
type listedMembers struct {
	Members []struct {
		Name            string
		Leader, Learner bool
		Healthy         bool
	}
	Advice string
}

func (m *cpMachine) members() listedMembers {
	m.t.Helper()
	list, err := m.listed()
	if err != nil {
		m.t.Fatal(err)
	}
	return list
}

// listed are the members, or why it does not know.
func (m *cpMachine) listed() (list listedMembers, err error) {
	m.t.Helper()
	said, err := m.says("members", "-o", "json")
	if err != nil {
		return list, fmt.Errorf("orrery members on %s: %w: %s", m.name, err, said)
	}
	return list, json.Unmarshal([]byte(said), &list)
}

// seesAllWell waits until a member knows so many, of which each answers and votes.
func (m *cpMachine) seesAllWell(n int) {
	m.t.Helper()
	await.Until(m.t, fmt.Sprintf("%d members to answer and vote, as %s knows them", n, m.name), func() (string, bool) {
		list, err := m.listed()
		well := 0
		for _, listed := range list.Members {
			if listed.Healthy && !listed.Learner {
				well++
			}
		}
		return fmt.Sprintf("%+v (%v)", list.Members, err), well == n && len(list.Members) == n
	})
}

// leader is the machine whose etcd leads, as a member knows it.
func (m *cpMachine) leader() (leads *cpMachine, others []*cpMachine) {
	m.t.Helper()
	await.Until(m.t, "a member to lead", func() (string, bool) {
		list, err := m.listed()
		leads, others = nil, nil
		for _, listed := range list.Members {
			for _, machine := range m.cabinet.machines {
				switch {
				case machine.name != listed.Name:
				case listed.Leader:
					leads = machine
				default:
					others = append(others, machine)
				}
			}
		}
		return fmt.Sprintf("%+v (%v)", list.Members, err), leads != nil
	})
	return leads, others
}

// admin is how its administrator reaches an API server at an address.
func (m *cpMachine) admin(host string) *rest.Config {
	m.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(m.dir, "cp", "kubeconfig"))
	if err != nil {
		m.t.Fatal(err)
	}
	config.Host, config.QPS = host, -1
	return config
}

// becomes waits until something of a member's cluster is what it should be.
func (m *cpMachine) becomes(want string, args ...string) {
	m.t.Helper()
	await.Until(m.t, strings.Join(args, " ")+" to be "+want, func() (string, bool) {
		said, err := m.says(append([]string{"kubectl"}, args...)...)
		return said, err == nil && strings.TrimSpace(said) == want
	})
}
