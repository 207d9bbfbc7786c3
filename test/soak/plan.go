package soak

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is what goes wrong, or is done to a member that is in use.
type Kind string

const (
	// Kill ends a member's process as a power cut does; it is started again.
	Kill Kind = "kill"
	// Pause stops a member's process by SIGSTOP, so that its clock jumps when it goes on.
	Pause Kind = "pause"
	// Partition keeps a member from all others. Clients reach it.
	Partition Kind = "partition"
	// Loss loses one of four packets that a member is sent.
	Loss Kind = "packet loss"
	// Defragment has a member write its store anew.
	Defragment Kind = "defragment"
	// Snapshot saves the whole store on a member.
	Snapshot Kind = "snapshot"
	// Replace loses a member for good, and has an empty machine become one in its place.
	Replace Kind = "replace"
)

// Fault is one thing that happens to one member. Control planes of three bear one at a time.
type Fault struct {
	Kind Kind
	// Leader says that it happens to the member that leads when it is time. Otherwise it is the one at index Follower among those that
	// do not lead, by their names.
	Leader   bool
	Follower int
	// Lasts is how long it is so, where it is not done in one go.
	Lasts time.Duration
}

func (f Fault) String() string {
	whom := fmt.Sprintf("follower %d", f.Follower+1)
	if f.Leader {
		whom = "the leader"
	}
	text := fmt.Sprintf("%s, of %s", f.Kind, whom)
	if f.Lasts > 0 {
		text += ", for " + f.Lasts.String()
	}
	return text
}

const (
	// shortest is more than an etcd member waits before it wants to lead, so that a leader that is away loses the lead.
	shortest = 2 * time.Second
	longest  = 6 * time.Second
)

// deck has everything that can happen, once.
var deck = []Fault{
	{Kind: Kill, Leader: true}, {Kind: Kill},
	{Kind: Pause, Leader: true}, {Kind: Pause},
	{Kind: Partition, Leader: true}, {Kind: Partition},
	{Kind: Loss, Leader: true}, {Kind: Loss},
	{Kind: Defragment, Leader: true}, {Kind: Defragment},
	{Kind: Snapshot, Leader: true},
	{Kind: Replace, Leader: true}, {Kind: Replace},
}

// Kinds is how many different faults there are: everything that can happen, to a leader and to another member.
func Kinds() int { return len(deck) }

// Plan draws the first n faults of a round, for a control plane of so many members, at least two. Each round of a seed is another one.
// No fault comes a second time before each has come once.
func Plan(seed, round uint64, members, n int) []Fault {
	random := rand.New(rand.NewPCG(seed, round))
	var plan []Fault
	for len(plan) < n {
		for _, i := range random.Perm(len(deck)) {
			plan = append(plan, drawn(deck[i], members, random))
		}
	}
	return plan[:n]
}

// drawn is a fault of the deck with what chance decides.
func drawn(f Fault, members int, random *rand.Rand) Fault {
	if !f.Leader {
		f.Follower = random.IntN(members - 1)
	}
	switch f.Kind {
	case Kill, Pause, Partition, Loss:
		f.Lasts = (shortest + time.Duration(random.Int64N(int64(longest-shortest)))).Round(100 * time.Millisecond)
	case Defragment, Snapshot, Replace:
	}
	return f
}
