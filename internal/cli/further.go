package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/network/segment"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
)

// The first node of an instance is this machine. Each further one (--real-nodes) is an instance of its own, in the folder nodes of the
// first: it has a directory, a containerd, cgroups and a log as any, is run by a process of 'orrery node', and is in a network
// namespace of the instance's segment.

// furtherNode is the nth node of an instance; n is from 2 on.
func furtherNode(inst *instance.Instance, n int) *instance.Instance {
	name := furtherName(n)
	return &instance.Instance{Name: name, Dir: inst.Path("nodes", name)}
}

// furtherName is what the nth node is called among the components and logs of its instance.
func furtherName(n int) string { return "node-" + strconv.Itoa(n) }

// furtherNumber is which node a component is.
func furtherNumber(component string) (n int, ok bool) {
	number, ok := strings.CutPrefix(component, "node-")
	n, err := strconv.Atoi(number)
	return n, ok && err == nil
}

// registrationDir is where an instance keeps what makes it a node of a cluster.
func registrationDir(inst *instance.Instance) string { return inst.Path("registration") }

// furtherNodes are the numbers of those further nodes of which there is anything on this machine, in order. Records may be gone, and
// so all is looked at that a node has.
func furtherNodes(inst *instance.Instance) ([]int, error) {
	var all []int
	for n := 2; n <= segment.MaxNodes; n++ {
		there, err := hasTraces(inst, n)
		if err != nil {
			return nil, err
		}
		if there {
			all = append(all, n)
		}
	}
	return all, nil
}

func hasTraces(inst *instance.Instance, n int) (bool, error) {
	node := furtherNode(inst, n)
	for _, path := range []string{node.Dir, segment.Namespace(inst.ID(), n), containerd.RunDir(node.Path("containerd")), "/sys/fs/cgroup" + cgroupRoot(node)} {
		if _, err := os.Lstat(path); err == nil {
			return true, nil
		}
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*" + cgroupRoot(node))
	if err != nil {
		return false, fmt.Errorf("looking for control groups of %s: %w", node.Name, err)
	}
	return len(groups) > 0, nil
}

// nodesBefore is how many real nodes an instance had when it ran last: one, if it never did.
func nodesBefore(inst *instance.Instance) int {
	most := 1
	for n := 2; n <= segment.MaxNodes; n++ {
		if furtherNode(inst, n).Exists() {
			most = n
		}
	}
	return most
}

// nodeNameOf is the name of a further node's Node: the one that it registered by, or would.
func nodeNameOf(node *instance.Instance, first string, n int) (string, error) {
	registered, err := registration.Read(registrationDir(node))
	switch {
	case err == nil && registered.NodeName != "":
		return registered.NodeName, nil
	case err == nil || errors.Is(err, os.ErrNotExist):
		return first + "-" + strconv.Itoa(n), nil
	default:
		return "", err
	}
}
