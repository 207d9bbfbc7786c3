package members

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
)

var errSilent = errors.New("no answer within 2s")

// voter is a member that votes and answers; change makes it another.
func voter(id uint64, name string, change ...func(*Member)) Member {
	m := Member{ID: id, Name: name, PeerURL: "https://" + name + ":2380", ClientURL: "https://" + name + ":2379", Leader: 1, Index: 10_000}
	for _, c := range change {
		c(&m)
	}
	return m
}

func learner(m *Member) { m.Learner = true }

func down(m *Member) { m.Err, m.Leader, m.Index = errSilent, 0, 0 }

func neverStarted(m *Member) { m.Name, m.ClientURL, m.Err = "", "", errors.New("it has never started") }

func at(index uint64) func(*Member) { return func(m *Member) { m.Index = index } }

func of(members ...Member) World { return World{Self: 1, Members: members} }

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name  string
		world World
		want  string // without the last line
		again time.Duration
	}{
		{"leaves members alone that vote", of(voter(1, "one"), voter(2, "two")), "nothing to do: every member votes", lookAgain},
		{"promotes a learner that has caught up", of(voter(1, "one"), voter(2, "two", learner, at(9_990))),
			"promote two to a member that votes: the learner has caught up: it lacks 10 of 10000 changes", lookSoon},
		{"waits for one that is far behind", of(voter(1, "one"), voter(2, "two", learner, at(400))),
			"nothing to do: waiting for learner two to catch up: it has 400 of 10000 changes", lookSoon},
		{"waits for one that has not started", of(voter(1, "one"), voter(2, "two", learner, neverStarted)),
			"nothing to do: waiting for the one at two:2380 to start: it was added as a learner", lookSoon},
		{"waits for one that does not answer", of(voter(1, "one"), voter(2, "two", learner, down)),
			"nothing to do: waiting for learner two to answer: no answer within 2s", lookSoon},
		{"leaves that to the leader", World{Self: 2, Members: []Member{voter(1, "one"), voter(2, "two"), voter(3, "three", learner)}},
			"nothing to do: another member leads, and promotes learners", lookAgain},
		{"promotes nobody where nobody leads", of(voter(1, "one", func(m *Member) { m.Leader = 0 }), voter(2, "two", learner)),
			"nothing to do: another member leads, and promotes learners", lookAgain},
		{"tells the others where it is, if they have it elsewhere", of(voter(1, "one", func(m *Member) { m.PeerURL = "http://127.0.0.1:2380" })),
			"tell the members that one is at https://one:2380: they have it at http://127.0.0.1:2380", lookAgain},
	} {
		t.Run(c.name, func(t *testing.T) {
			own, _ := c.world.Own()
			plan := New(nil, "https://"+own.Name+":2380").Plan(engine.One{}, c.world, time.Time{})
			said, _, _ := strings.Cut(plan.String(), "\nlook again")
			if said != c.want {
				t.Errorf("the plan is\n%s\nwant\n%s", said, c.want)
			}
			if plan.Again().After != c.again {
				t.Errorf("it looks again after %s, want %s", plan.Again().After, c.again)
			}
		})
	}
}

func TestRemovalIsRefusedWhereItCostsTheQuorum(t *testing.T) {
	one, two, three := voter(1, "one"), voter(2, "two"), voter(3, "three")
	silent := voter(3, "three", down)
	for _, c := range []struct {
		name   string
		world  World
		remove Member
		want   string // a part of why not; empty: it is removed
	}{
		{"one of three", of(one, two, three), three, ""},
		{"the one that leads", of(one, two, three), one, ""},
		{"one that is gone for good", of(one, two, silent), silent, ""},
		{"one that answers, beside one that does not", of(one, two, silent), two,
			"it would cost the quorum: of the 2 members that would be left 1 answer, and 2 have to: start three first"},
		{"one of two", of(one, two), two, ""},
		{"the silent one of two", of(one, voter(2, "two", down)), voter(2, "two", down), "the quorum is lost: of 2 members that vote 1 answer"},
		{"the only one", of(one), one, "it is the only member that votes"},
		{"the only one beside a learner", of(one, voter(2, "two", learner)), one, "it is the only member that votes"},
		{"a learner", of(one, voter(2, "two", learner, neverStarted)), voter(2, "two", learner, neverStarted), ""},
		{"a silent one of five of which two are silent", of(one, two, silent, voter(4, "four", down), voter(5, "five")), silent, ""},
		{"a third one of five of which two are silent", of(one, two, silent, voter(4, "four", down), voter(5, "five")), two,
			"it would cost the quorum: of the 4 members that would be left 2 answer, and 3 have to: start three and four first"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.world.CheckRemoval(c.remove), c.want) })
	}
}

func TestWhoCannotJoinIsToldWhy(t *testing.T) {
	one, two := voter(1, "one"), voter(2, "two")
	for _, c := range []struct {
		name      string
		world     World
		as, where string
		want      string
	}{
		{"a second one", of(one), "two", "https://two:2380", ""},
		{"a name that is taken", of(one, two), "two", "https://three:2380", "there is a member two already, at two:2380: choose another name with --member-name"},
		{"an address that is taken", of(one, two), "three", "https://two:2380", "member two is at two:2380 already"},
		{"beside one that learns", of(one, voter(2, "two", learner)), "three", "https://three:2380", "member two is still catching up"},
		{"beside one that has never started", of(one, voter(0xab, "two", learner, neverStarted)), "three", "https://three:2380",
			"the one at two:2380 was added and has never started, and there can be one such at a time: start it, or give it up with 'orrery members remove ab'"},
		{"as that which has never started", of(one, voter(0xab, "two", learner, neverStarted)), "two", "https://two:2380", ""},
		{"while one of two is silent", of(one, voter(2, "two", down)), "three", "https://three:2380", "of the 2 members that vote 1 answer, and with one more 2 would have to"},
		{"while one of three is silent", of(one, two, voter(3, "three", down)), "four", "https://four:2380", "of the 3 members that vote 2 answer, and with one more 3 would have to"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.world.CheckJoin(c.as, c.where), c.want) })
	}
}

func TestAPersonIsToldWhatIsAmiss(t *testing.T) {
	one, two, three := voter(1, "one"), voter(2, "two"), voter(3, "three", down)
	for _, c := range []struct {
		name            string
		world           World
		problem, advice string
	}{
		{"one", of(one), "", ""},
		{"two", of(one, two), "", "an even number of members is pointless: 2 bear the loss of 0, as 1 do"},
		{"three", of(one, two, voter(3, "three")), "", ""},
		{"two and one that learns", of(one, two, voter(3, "three", learner)), "", "2 bear the loss of 0"},
		{"three of which one is silent", of(one, two, three), "of 3 members that vote 2 answer; the loss of 0 more is borne: start three, or remove", ""},
		{"three of which two are silent", of(one, voter(2, "two", down), three), "the quorum is lost: of 3 members that vote 1 answer, and 2 have to: start two and three", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, c.world.Problem(), c.problem)
			if advice := c.world.Advice(); (advice == "") != (c.advice == "") || !strings.Contains(advice, c.advice) {
				t.Errorf("the advice is %q, want %q", advice, c.advice)
			}
		})
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("got %v, want none", err)
	case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
		t.Errorf("got %v, want one that says %q", err, part)
	}
}
