package upgrade

import (
	"cmp"
	"fmt"
	"slices"
)

// Plan is what is to happen on every machine, and what of it can on this one. Its JSON is stable: fields may be added.
type Plan struct {
	Target Program `json:"target"`
	// Downgrade says that the API server's minor release goes down.
	Downgrade bool `json:"downgrade,omitempty"`
	// Done says that this machine runs the target.
	Done bool `json:"done"`
	// Refused are the reasons, each a sentence, for which the target cannot run here at all. Where there are any, nothing is done.
	Refused []string `json:"refused,omitempty"`
	// Waits is what has to happen before it is this machine's turn; empty if it is.
	Waits string `json:"waits,omitempty"`
	// Steps are those of all machines, in order.
	Steps []Step `json:"steps"`
}

// Role is what a machine is.
type Role string

// The roles.
const (
	MemberRole Role = "member"
	NodeRole   Role = "node"
)

// State is how far a step is.
type State string

// The states.
const (
	Done    State = "done"
	Next    State = "next"
	Waiting State = "waiting"
)

// Step is the replacing of one machine's program.
type Step struct {
	Machine string  `json:"machine"`
	Role    Role    `json:"role"`
	Here    bool    `json:"here,omitempty"`
	From    Program `json:"from"`
	State   State   `json:"state"`
	// Why is the sentence that says why it comes where it comes, and what it means.
	Why string `json:"why"`
	// Command is what to type on that machine, with the new program; empty where it is done.
	Command string `json:"command,omitempty"`
}

// Make decides.
func Make(w World) Plan {
	p := Plan{Target: w.Target, Downgrade: w.back(), Steps: order(w)}
	for _, s := range p.Steps {
		p.Done = p.Done || s.Here && s.State == Done
	}
	if p.Done {
		return p
	}
	p.Refused = slices.Clone(w.Unfit)
	for _, refusal := range refusals {
		if why := refusal(w); why != "" {
			p.Refused = append(p.Refused, why)
		}
	}
	for _, wait := range waits {
		if p.Waits == "" {
			p.Waits = wait(w)
		}
	}
	return p
}

// Remaining are the steps of other machines that are still to be taken.
func (p Plan) Remaining() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Here || s.State == Done })
}

// order is the order of all machines.
func order(w World) []Step {
	members, nodes := memberSteps(w), nodeSteps(w)
	steps := slices.Concat(members, nodes)
	if w.back() {
		steps = slices.Concat(nodes, members)
	}
	first := slices.IndexFunc(steps, func(s Step) bool { return s.State != Done })
	for i := max(first, 0); i < len(steps); i++ {
		// One member after another; nodes may be replaced side by side.
		if steps[i].State != Done && (i == first || steps[i].Role == NodeRole && steps[first].Role == NodeRole) {
			steps[i].State = Next
		}
	}
	return steps
}

// memberSteps are those of the members: first those that do not lead, by their names.
func memberSteps(w World) []Step {
	sorted := slices.SortedFunc(slices.Values(w.Members), func(a, b Member) int {
		if a.Leads != b.Leads {
			if a.Leads {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	steps := make([]Step, 0, len(sorted))
	for _, m := range sorted {
		s := step(w, m.Name, MemberRole, m.Here, m.Program)
		if s.State != Done {
			s.Why = whyMember(len(w.Members), m)
		}
		steps = append(steps, s)
	}
	return steps
}

func whyMember(n int, m Member) string {
	switch {
	case n == 1:
		return "it is the only member: for some seconds nobody answers, while what runs goes on"
	case n == 2 && m.Leads:
		return "it leads, and so comes last; of 2 members both have to run: for some seconds nothing can be written"
	case n == 2:
		return "it does not lead; of 2 members both have to run: for some seconds nothing can be written"
	case m.Leads:
		return "it leads, and so comes last of the members: it hands over to another one before it ends"
	default:
		return fmt.Sprintf("it does not lead: of %d members %d go on, and %d have to", n, n-1, quorum(n))
	}
}

func nodeSteps(w World) []Step {
	why := "nodes come after all members: a kubelet is never newer than an API server"
	if w.back() {
		why = "on the way back nodes come before all members: a kubelet is never newer than an API server"
	}
	sorted := slices.SortedFunc(slices.Values(w.Nodes), func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	steps := make([]Step, 0, len(sorted))
	for _, n := range sorted {
		if n.Version == "" {
			continue // it is replaced by who has made it a node
		}
		s := step(w, n.Name, NodeRole, n.Here, n.Program)
		if s.State != Done {
			s.Why = why
		}
		steps = append(steps, s)
	}
	return steps
}

// anywhere is the command on a machine of which nobody knows where its program and its instance are.
const anywhere = "orrery upgrade"

func step(w World, machine string, role Role, here bool, from Program) Step {
	s := Step{Machine: machine, Role: role, Here: here, From: from, State: Waiting, Command: anywhere}
	if here {
		s.Command = cmp.Or(w.Command, anywhere)
	}
	if from.is(w.Target) {
		s.State, s.Why, s.Command = Done, "it runs "+w.Target.Version, ""
	}
	return s
}
