package upgrade

import (
	"fmt"
	"strings"
)

// refusals are why a target cannot be run at all, whoever's turn it is; each is empty if it finds nothing. Where a rule is upstream's,
// the rule is https://kubernetes.io/releases/version-skew-policy/.
var refusals = []func(World) string{
	unknown,         // nothing is decided about what is not known
	skipsRelease,    // no store goes over two minor releases at once, and no two API servers are further apart than one
	skipsBack,       // nor back over two
	etcdCannotRead,  // etcd goes one minor release at a time, and never back
	kubeletTooOld,   // no API server has a kubelet more than three minor releases older
	kubeletTooNew,   // nor one that is newer; those of ours are taken back first, as the order has it
	kubeletFallsOff, // nor does a kubelet become that
}

// oldestKubelet is how many minor releases a kubelet may be older than an API server.
const oldestKubelet = 3

func unknown(w World) string {
	for _, m := range w.Members {
		if m.Problem == "" && (m.Version == "" || m.Kubernetes == "") {
			return fmt.Sprintf("member %s answers and does not say which program it is of: stop and start it with a version that does", m.Name)
		}
	}
	return ""
}

func skipsRelease(w World) string {
	for _, m := range w.Members {
		if d, known := distance(m.Kubernetes, w.Target.Kubernetes); known && d > 1 {
			return fmt.Sprintf("member %s has Kubernetes %s, and this program %s: API servers may be one minor release apart, and none can be skipped: upgrade all members to the one after %s first",
				m.Name, m.Kubernetes, w.Target.Kubernetes, m.Kubernetes)
		}
	}
	return ""
}

func skipsBack(w World) string {
	for _, m := range w.Members {
		if d, known := distance(m.Kubernetes, w.Target.Kubernetes); known && d < -1 {
			return fmt.Sprintf("member %s has Kubernetes %s, and this program %s: what a release stores can be read by the one before, and by no older one: go back one minor release at most, or restore a snapshot",
				m.Name, m.Kubernetes, w.Target.Kubernetes)
		}
	}
	return ""
}

func etcdCannotRead(w World) string {
	here, ok := w.member()
	if !ok || w.Target.Etcd == "" {
		return ""
	}
	for _, m := range w.Members {
		if d, known := distance(m.Etcd, w.Target.Etcd); known && d > 1 {
			return fmt.Sprintf("member %s has etcd %s, and this program %s: etcd cannot skip a minor release: upgrade all members to the one after %s first", m.Name, m.Etcd, w.Target.Etcd, m.Etcd)
		}
	}
	if d, known := distance(w.oldestEtcd(here.Etcd), w.Target.Etcd); known && d < 0 {
		return fmt.Sprintf("the members have etcd %s, and this program %s, which does not start on data of a later minor release: to go back, restore a snapshot that was taken before", here.Etcd, w.Target.Etcd)
	}
	return ""
}

// oldestEtcd is the release by whose rules the members of etcd work together: that of the oldest.
func (w World) oldestEtcd(own string) string {
	oldest := own
	for _, m := range w.Members {
		if d, known := distance(oldest, m.Etcd); known && d < 0 {
			oldest = m.Etcd
		}
	}
	return oldest
}

func kubeletTooOld(w World) string {
	if _, ok := w.member(); !ok {
		return ""
	}
	for _, n := range w.Nodes {
		if d, known := distance(n.Kubelet, w.Target.Kubernetes); known && d > oldestKubelet {
			return fmt.Sprintf("node %s has kubelet %s, and this program Kubernetes %s: a kubelet may be %d minor releases older than an API server: upgrade that node first", n.Name, n.Kubelet, w.Target.Kubernetes, oldestKubelet)
		}
	}
	return ""
}

func kubeletTooNew(w World) string {
	for _, n := range w.Nodes {
		if d, known := distance(n.Kubelet, w.Target.Kubernetes); known && d < 0 && n.Version == "" {
			return fmt.Sprintf("node %s, which is none of Orrery's, has kubelet %s, and this program Kubernetes %s: a kubelet is never newer than an API server: take that back first", n.Name, n.Kubelet, w.Target.Kubernetes)
		}
	}
	return ""
}

func kubeletFallsOff(w World) string {
	if _, ok := w.node(); !ok {
		return ""
	}
	for _, m := range w.Members {
		if d, known := distance(w.Target.Kubelet, m.Kubernetes); known && d > oldestKubelet {
			return fmt.Sprintf("member %s has Kubernetes %s, and this program kubelet %s: a kubelet may be %d minor releases older than an API server", m.Name, m.Kubernetes, w.Target.Kubelet, oldestKubelet)
		}
	}
	return ""
}

// waits are what has to come before this machine, in the order in which they are said; each is empty if it finds nothing.
var waits = []func(World) string{
	membersAnswer,
	oneLeads,
	membersVote,
	membersCaughtUp,
	earlierFirst,
}

// CaughtUp is how many changes a member may lack of the others and count as one that has caught up: what it takes up at once.
const CaughtUp = 500

// membersAnswer keeps the quorum: a member is replaced only where all others run, and so no more than one is missing.
func membersAnswer(w World) string {
	here, member := w.member()
	var silent []string
	for _, m := range w.Members {
		if !m.Here && m.Problem != "" {
			silent = append(silent, fmt.Sprintf("%s (%s)", m.Name, m.Problem))
		}
	}
	if len(silent) == 0 {
		return ""
	}
	said := "these members do not answer: " + strings.Join(silent, ", ")
	if n := len(w.Members); member && !here.Learner {
		said += fmt.Sprintf("; of %d members %d would be left while this one is replaced, and %d have to run", n, n-len(silent)-1, quorum(n))
	}
	return said + ": start them, or remove what is gone for good with 'orrery members remove'"
}

// oneLeads has the order be known: the member that leads comes last. Who is a node alone does not see it, and needs not.
func oneLeads(w World) string {
	if _, ok := w.member(); !ok || len(w.Members) == 1 {
		return ""
	}
	for _, m := range w.Members {
		if m.Leads {
			return ""
		}
	}
	return "no member is known to lead: they are just electing one"
}

func membersVote(w World) string {
	for _, m := range w.Members {
		if m.Learner && !m.Here {
			return fmt.Sprintf("member %s is still catching up with the others, and does not vote yet", m.Name)
		}
	}
	return ""
}

func membersCaughtUp(w World) string {
	for _, m := range w.Members {
		if !m.Here && m.Behind > CaughtUp {
			return fmt.Sprintf("member %s lacks %d changes of the others: at most %d may be lacking while another one is replaced", m.Name, m.Behind, CaughtUp)
		}
	}
	return ""
}

// earlierFirst has all steps of the plan before this machine's done first, but other nodes: they may be replaced side by side.
func earlierFirst(w World) string {
	_, node := w.node()
	for _, s := range order(w) {
		switch {
		case s.Here:
			return ""
		case s.State != Done && (s.Role == MemberRole || !node):
			return fmt.Sprintf("it is %s %s's turn, which runs %s: type '%s' there, with the new program", s.Role, s.Machine, s.From, s.Command)
		}
	}
	return ""
}
