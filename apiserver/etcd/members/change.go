package members

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CheckJoin says why a machine cannot become a member by a name and a URL for peers; nil if it can. One that was added and has never
// started may be added again: then it is the same.
func (w World) CheckJoin(name, peerURL string) error {
	for _, m := range w.Members {
		switch {
		case m.PeerURL == peerURL && !m.Started():
			continue
		case m.Name == name && m.Name != "":
			return fmt.Errorf("there is a member %s already, at %s: choose another name with --member-name, or, if that machine is no more, remove it first with 'orrery members remove %s'",
				name, strings.TrimPrefix(m.PeerURL, "https://"), name)
		case m.PeerURL == peerURL:
			return fmt.Errorf("member %s is at %s already: give up what it was with 'orrery members remove %s', or choose another port with --peer-port", m, strings.TrimPrefix(peerURL, "https://"), m.Name)
		case m.Learner && !m.Started():
			return fmt.Errorf("%s was added and has never started, and there can be one such at a time: start it, or give it up with 'orrery members remove %s'", m, m.handle())
		case m.Learner:
			return fmt.Errorf("member %s is still catching up, and there can be one such at a time: try again when 'orrery members' shows that it votes", m)
		}
	}
	if voters, answering := w.voters(); answering < len(voters) && answering < quorum(len(voters)+1) {
		return fmt.Errorf("of the %d members that vote %d answer, and with one more %d would have to: start the others first, or remove one that is no more with 'orrery members remove NAME'",
			len(voters), answering, quorum(len(voters)+1))
	}
	return nil
}

// Pending is the member that was added for a URL and has never started; 0 if there is none.
func (w World) Pending(peerURL string) uint64 {
	for _, m := range w.Members {
		if m.PeerURL == peerURL && !m.Started() {
			return m.ID
		}
	}
	return 0
}

// Named is the member that a person has named, by its name, or one without by what it has in the place of one.
func (w World) Named(name string) (Member, error) {
	var names []string
	for _, m := range w.Members {
		if m.Name == name || m.handle() == name {
			return m, nil
		}
		names = append(names, m.handle())
	}
	return Member{}, fmt.Errorf("there is no member %s: there are %s", name, strings.Join(names, ", "))
}

// handle is the member's name, or its number, as etcdctl writes it, where it has none.
func (m Member) handle() string {
	if m.Name != "" {
		return m.Name
	}
	return strconv.FormatUint(m.ID, 16)
}

// CheckRemoval says why a member cannot be removed; nil if it can.
func (w World) CheckRemoval(m Member) error {
	voters, answering := w.voters()
	if answering < quorum(len(voters)) {
		return fmt.Errorf("the quorum is lost: of %d members that vote %d answer, and nothing can be changed: start the others, or see 'orrery up --help' for --force-new-cluster", len(voters), answering)
	}
	if m.Learner {
		return nil
	}
	left := len(voters) - 1
	if left == 0 {
		return errors.New("it is the only member that votes: what it stores would be lost; 'orrery reset' gives up an instance with all that it stores")
	}
	if m.Err == nil {
		answering--
	}
	if answering < quorum(left) {
		return fmt.Errorf("it would cost the quorum: of the %d members that would be left %d answer, and %d have to: start %s first",
			left, answering, quorum(left), silent(voters, m))
	}
	return nil
}

// silent are the members that do not answer, in words, without one.
func silent(members []Member, but Member) string {
	var names []string
	for _, m := range members {
		if m.Err != nil && m.ID != but.ID {
			names = append(names, m.String())
		}
	}
	return strings.Join(names, " and ")
}

// Problem is what a person has to do something about; nil if nothing.
func (w World) Problem() error {
	voters, answering := w.voters()
	switch n := len(voters); {
	case answering == n:
		return nil
	case answering < quorum(n):
		return fmt.Errorf("the quorum is lost: of %d members that vote %d answer, and %d have to: start %s", n, answering, quorum(n), silent(voters, Member{}))
	default:
		return fmt.Errorf("of %d members that vote %d answer; the loss of %d more is borne: start %s, or remove what is gone for good with 'orrery members remove'",
			n, answering, answering-quorum(n), silent(voters, Member{}))
	}
}

// Advice is what a person may want to change about the number of members; empty if nothing.
func (w World) Advice() string {
	voters, _ := w.voters()
	n := len(voters)
	if n%2 != 0 {
		return ""
	}
	return fmt.Sprintf("an even number of members is pointless: %d bear the loss of %d, as %d do, and more can fail: add one, or remove one", n, n-quorum(n), n-1)
}

// String is how the members are, in a few words.
func (w World) String() string {
	voters, answering := w.voters()
	learners := len(w.Members) - len(voters)
	said := fmt.Sprintf("%d of %d members that vote answer", answering, len(voters))
	if learners > 0 {
		said += fmt.Sprintf(", and there is %d that learns", learners)
	}
	return said
}
