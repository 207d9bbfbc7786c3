package upgrade

import (
	"fmt"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

// Program is what a process runs. What is empty is not known, or is not in it.
type Program struct {
	// Version is that of Orrery.
	Version string `json:"version,omitempty"`
	// Kubernetes, Etcd and Kubelet are the releases of its API server, its etcd and its node agent, as v1.37.1 and 3.7.0.
	Kubernetes string `json:"kubernetes,omitempty"`
	Etcd       string `json:"etcd,omitempty"`
	Kubelet    string `json:"kubelet,omitempty"`
}

// String is what a person calls the program.
func (p Program) String() string {
	switch {
	case p.Version == "":
		return "a program of unknown version"
	case p.Kubernetes != "":
		return fmt.Sprintf("%s (Kubernetes %s)", p.Version, p.Kubernetes)
	default:
		return p.Version
	}
}

// is says whether it is the other program, as far as both are known.
func (p Program) is(other Program) bool {
	return p.Version != "" && p.Version == other.Version && (p.Kubernetes == "" || p.Kubernetes == other.Kubernetes)
}

// World is what is known of a control plane and its nodes, as one machine sees them.
type World struct {
	// Target is the program that is to run everywhere.
	Target Program
	// Members are those of the control plane: one, where it is on its own.
	Members []Member
	// Nodes are the machines that are nodes and nothing else. What is replaced together with a member is left out.
	Nodes []Node
	// Unfit are the reasons, each a sentence, for which this machine cannot run the target.
	Unfit []string
	// Command is what to type on this machine for its step.
	Command string
}

// Member is a machine of the control plane.
type Member struct {
	Program
	// Name is what the others call it.
	Name string
	// Here says that it is this machine.
	Here bool
	// Leads says that its etcd leads the others; Learner that it does not vote.
	Leads, Learner bool
	// Problem is why it does not answer; empty if it does.
	Problem string
	// Behind is how many changes its log lacks.
	Behind uint64
}

// Node is a machine that is a node.
type Node struct {
	// Program has no Version where the node is of another program than ours, as a kubelet.
	Program
	Name string
	// Here says that it is this machine.
	Here bool
}

// member is this machine among the members; ok is false where it is none.
func (w World) member() (here Member, ok bool) {
	for _, m := range w.Members {
		if m.Here {
			return m, true
		}
	}
	return Member{}, false
}

// node is this machine among the nodes; ok is false where it is none.
func (w World) node() (here Node, ok bool) {
	for _, n := range w.Nodes {
		if n.Here {
			return n, true
		}
	}
	return Node{}, false
}

// back says that some API server is of a later minor release than the target's: it is a downgrade, in which nodes come first.
func (w World) back() bool {
	for _, m := range w.Members {
		if d, known := distance(m.Kubernetes, w.Target.Kubernetes); known && d < 0 {
			return true
		}
	}
	return false
}

// far is a distance that no rule allows.
const far = 1000

// distance is how many minor releases lie from one release to another. It is not known where one of them is none.
func distance(from, to string) (minors int, known bool) {
	a, err := utilversion.ParseGeneric(from)
	if err != nil {
		return 0, false
	}
	b, err := utilversion.ParseGeneric(to)
	if err != nil {
		return 0, false
	}
	switch {
	case b.Major() > a.Major():
		return far, true
	case b.Major() < a.Major():
		return -far, true
	default:
		return int(b.Minor()) - int(a.Minor()), true
	}
}

// quorum is how many of n members have to agree.
func quorum(n int) int { return n/2 + 1 }
