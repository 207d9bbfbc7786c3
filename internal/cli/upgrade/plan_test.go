package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// before and after are programs with a minor release of Kubernetes between them, and a patch is one without.
var (
	before = Program{Version: "v0.1.0", Kubernetes: "v1.37.1", Etcd: "3.7.0", Kubelet: "v1.37.1"}
	patch  = Program{Version: "v0.1.1", Kubernetes: "v1.37.1", Etcd: "3.7.0", Kubelet: "v1.37.1"}
	after  = Program{Version: "v0.2.0", Kubernetes: "v1.38.0", Etcd: "3.7.2", Kubelet: "v1.38.0"}
)

// of is a program with another release of Kubernetes in it.
func of(kubernetes string) Program {
	return Program{Version: "v0." + strings.Split(kubernetes, ".")[1], Kubernetes: kubernetes, Etcd: "3.7.0", Kubelet: kubernetes}
}

func member(name string, p Program, changes ...func(*Member)) Member {
	m := Member{Name: name, Program: p}
	for _, change := range changes {
		change(&m)
	}
	return m
}

func here(m *Member)                { m.Here = true }
func leads(m *Member)               { m.Leads = true }
func learns(m *Member)              { m.Learner = true }
func lags(m *Member)                { m.Behind = CaughtUp + 1 }
func ofEtcd(r string) func(*Member) { return func(m *Member) { m.Etcd = r } }

func silent(m *Member) { m.Problem, m.Program = "no answer within 2s", Program{} }

func node(name string, p Program) Node {
	return Node{Name: name, Program: Program{Version: p.Version, Kubelet: p.Kubelet}}
}

func thisNode(p Program) Node {
	n := node("here", p)
	n.Here = true
	return n
}

// told is a plan in lines.
func told(p Plan) []string {
	var lines []string
	for _, s := range p.Steps {
		lines = append(lines, fmt.Sprintf("%s %s: %s", s.Role, s.Machine, s.State))
	}
	for _, why := range p.Refused {
		lines = append(lines, "refused: "+why)
	}
	if p.Waits != "" {
		lines = append(lines, "waits: "+p.Waits)
	}
	if p.Done {
		lines = append(lines, "done")
	}
	return lines
}

func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		world World
		want  []string
	}{
		"a member on its own goes at once": {
			World{Target: after, Members: []Member{member("cp", before, here)}},
			[]string{"member cp: next"},
		},
		"what runs the program already has nothing to do": {
			World{Target: before, Members: []Member{member("cp", before, here)}, Unfit: []string{"never said"}},
			[]string{"member cp: done", "done"},
		},
		"the first that does not lead goes first": {
			World{Target: after, Members: []Member{member("a", before, leads), member("b", before, here), member("c", before)}, Nodes: []Node{node("n", before)}},
			[]string{"member b: next", "member c: waiting", "member a: waiting", "node n: waiting"},
		},
		"the second waits for the first": {
			World{Target: after, Members: []Member{member("a", before, leads), member("b", before), member("c", before, here)}},
			[]string{
				"member b: next", "member c: waiting", "member a: waiting",
				"waits: it is member b's turn, which runs v0.1.0 (Kubernetes v1.37.1): type 'orrery upgrade' there, with the new program",
			},
		},
		"the one that leads comes last": {
			World{Target: after, Members: []Member{member("a", before, leads, here), member("b", after), member("c", after)}},
			[]string{"member b: done", "member c: done", "member a: next"},
		},
		"another release of the program alone keeps to the order": {
			World{Target: patch, Members: []Member{member("a", before, leads, here), member("b", before)}},
			[]string{
				"member b: next", "member a: waiting",
				"waits: it is member b's turn, which runs v0.1.0 (Kubernetes v1.37.1): type 'orrery upgrade' there, with the new program",
			},
		},
		"nobody goes while another one is away, and with it the quorum": {
			World{Target: after, Members: []Member{member("a", before, leads), member("b", before, here), member("c", before, silent)}},
			[]string{
				"member b: next", "member c: waiting", "member a: waiting",
				"waits: these members do not answer: c (no answer within 2s); of 3 members 1 would be left while this one is replaced, and 2 have to run: start them, or remove what is gone for good with 'orrery members remove'",
			},
		},
		"nobody goes while nobody leads": {
			World{Target: after, Members: []Member{member("a", before), member("b", before, here), member("c", before)}},
			[]string{
				"member a: next", "member b: waiting", "member c: waiting",
				"waits: no member is known to lead: they are just electing one",
			},
		},
		"nobody goes while another one learns": {
			World{Target: after, Members: []Member{member("a", before, leads), member("b", before, here), member("c", before, learns)}},
			[]string{
				"member b: next", "member c: waiting", "member a: waiting",
				"waits: member c is still catching up with the others, and does not vote yet",
			},
		},
		"nobody goes before the one before has caught up": {
			World{Target: after, Members: []Member{member("a", before, leads), member("b", after, lags), member("c", before, here)}},
			[]string{
				"member b: done", "member c: next", "member a: waiting",
				"waits: member b lacks 501 changes of the others: at most 500 may be lacking while another one is replaced",
			},
		},
		"a node waits for all members": {
			World{Target: after, Members: []Member{member("a", after), member("b", before)}, Nodes: []Node{thisNode(before)}},
			[]string{
				"member a: done", "member b: next", "node here: waiting",
				"waits: it is member b's turn, which runs v0.1.0 (Kubernetes v1.37.1): type 'orrery upgrade' there, with the new program",
			},
		},
		"nodes wait for no other node": {
			World{Target: after, Members: []Member{member("a", after)}, Nodes: []Node{node("first", before), thisNode(before)}},
			[]string{"member a: done", "node first: next", "node here: next"},
		},
		"on the way back nodes come first": {
			World{Target: before, Members: []Member{member("a", after, here)}, Nodes: []Node{node("n", after), node("o", before)}},
			[]string{
				"node n: next", "node o: done", "member a: waiting",
				"waits: it is node n's turn, which runs v0.2.0: type 'orrery upgrade' there, with the new program",
			},
		},
		"and then the members": {
			World{Target: before, Members: []Member{member("a", after, leads), member("b", after, here)}, Nodes: []Node{node("n", before)}},
			[]string{"node n: done", "member b: next", "member a: waiting"},
		},
		"a node goes back without waiting for members": {
			World{Target: before, Members: []Member{member("a", after)}, Nodes: []Node{thisNode(after)}},
			[]string{"node here: next", "member a: waiting"},
		},
		"a kubelet that is none of ours is no step": {
			World{Target: after, Members: []Member{member("cp", before, here)}, Nodes: []Node{node("n", Program{Kubelet: "v1.36.0"})}},
			[]string{"member cp: next"},
		},
		"what keeps this machine from running it is said": {
			World{Target: after, Members: []Member{member("cp", before, here)}, Unfit: []string{"runc is not there"}},
			[]string{"member cp: next", "refused: runc is not there"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, told(Make(c.world))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		world World
		// want is how the one refusal begins; empty for none.
		want string
	}{
		"a minor release of Kubernetes": {World{Target: of("v1.38.0"), Members: []Member{member("cp", of("v1.37.4"), here)}}, ""},
		"two of them": {
			World{Target: of("v1.39.0"), Members: []Member{member("cp", of("v1.37.4"), here)}},
			"member cp has Kubernetes v1.37.4, and this program v1.39.0: API servers may be one minor release apart, and none can be skipped: upgrade all members to the one after v1.37.4 first",
		},
		"one, where another member is two behind": {
			World{Target: of("v1.39.0"), Members: []Member{member("a", of("v1.38.0"), here), member("b", of("v1.37.0"), leads)}},
			"member b has Kubernetes v1.37.0",
		},
		"a major release": {World{Target: of("v2.0.0"), Members: []Member{member("cp", of("v1.37.4"), here)}}, "member cp has Kubernetes v1.37.4"},
		"back by one":     {World{Target: of("v1.37.4"), Members: []Member{member("cp", of("v1.38.0"), here)}}, ""},
		"back by two": {
			World{Target: of("v1.36.0"), Members: []Member{member("cp", of("v1.38.0"), here)}},
			"member cp has Kubernetes v1.38.0, and this program v1.36.0: what a release stores can be read by the one before, and by no older one: go back one minor release at most, or restore a snapshot",
		},
		"two minor releases of etcd": {
			World{Target: before, Members: []Member{member("cp", of("v1.37.0"), here, ofEtcd("3.5.9"))}},
			"member cp has etcd 3.5.9, and this program 3.7.0: etcd cannot skip a minor release",
		},
		"etcd back": {
			World{Target: before, Members: []Member{member("cp", of("v1.38.0"), here, ofEtcd("3.8.0"))}},
			"the members have etcd 3.8.0, and this program 3.7.0, which does not start on data of a later minor release: to go back, restore a snapshot that was taken before",
		},
		"etcd back, where not all members have gone on": {
			World{Target: before, Members: []Member{member("a", after, here, ofEtcd("3.8.0")), member("b", before, leads)}},
			"",
		},
		"an etcd that is elsewhere": {
			World{Target: before, Members: []Member{member("cp", of("v1.37.0"), here, ofEtcd(""))}},
			"",
		},
		"a kubelet three behind": {World{Target: of("v1.38.0"), Members: []Member{member("cp", of("v1.37.0"), here)}, Nodes: []Node{node("n", of("v1.35.0"))}}, ""},
		"a kubelet four behind": {
			World{Target: of("v1.38.0"), Members: []Member{member("cp", of("v1.37.0"), here)}, Nodes: []Node{node("n", of("v1.34.9"))}},
			"node n has kubelet v1.34.9, and this program Kubernetes v1.38.0: a kubelet may be 3 minor releases older than an API server: upgrade that node first",
		},
		"a node that would be four behind": {
			World{Target: of("v1.34.0"), Members: []Member{member("cp", of("v1.38.0"))}, Nodes: []Node{thisNode(of("v1.35.0"))}},
			"member cp has Kubernetes v1.38.0, and this program kubelet v1.34.0",
		},
		"somebody else's kubelet that would be newer": {
			World{Target: of("v1.37.0"), Members: []Member{member("cp", of("v1.38.0"), here)}, Nodes: []Node{node("n", Program{Kubelet: "v1.38.0"})}},
			"node n, which is none of Orrery's, has kubelet v1.38.0",
		},
		"a member that does not say what it is": {
			World{Target: after, Members: []Member{member("a", before, here), member("b", Program{Kubernetes: "v1.37.1"}, leads)}},
			"member b answers and does not say which program it is of",
		},
	} {
		t.Run(name, func(t *testing.T) {
			refused := Make(c.world).Refused
			switch {
			case c.want == "" && len(refused) > 0:
				t.Errorf("it is refused: %q", refused)
			case c.want != "" && !slices.ContainsFunc(refused, func(why string) bool { return strings.HasPrefix(why, c.want) }):
				t.Errorf("it is refused by %q, want %q", refused, c.want)
			}
		})
	}
}

// However many members there are, each makes the same order, and one at a time is told that it is its turn, the one that leads last.
func TestMembersTakeTurnsWhoeverLooks(t *testing.T) {
	for n := 1; n <= 5; n++ {
		for leader := range n {
			programs := make([]Program, n)
			for i := range programs {
				programs[i] = before
			}
			var went []int
			for range n {
				var turn []int
				for self := range n {
					w := World{Target: after}
					for i, p := range programs {
						w.Members = append(w.Members, Member{Name: string(rune('a' + i)), Program: p, Here: i == self, Leads: i == leader})
					}
					if p := Make(w); !p.Done && p.Waits == "" && len(p.Refused) == 0 {
						turn = append(turn, self)
					}
				}
				if len(turn) != 1 {
					t.Fatalf("of %d members, of which %d leads, after %v it is the turn of %v", n, leader, went, turn)
				}
				went = append(went, turn[0])
				programs[turn[0]] = after
			}
			if went[n-1] != leader {
				t.Errorf("of %d members %d leads, and they went in the order %v", n, leader, went)
			}
		}
	}
}
