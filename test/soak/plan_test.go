package soak

import (
	"reflect"
	"testing"
)

func TestTheSameSeedGivesTheSameFaults(t *testing.T) {
	one := Plan(7, 3, 3, 20)
	if again := Plan(7, 3, 3, 20); !reflect.DeepEqual(again, one) {
		t.Errorf("the same seed and round give\n%v, and then\n%v", one, again)
	}
	if short := Plan(7, 3, 3, 5); !reflect.DeepEqual(short, one[:5]) {
		t.Errorf("five faults are\n%v, want the first of\n%v", short, one)
	}
	if other := Plan(8, 3, 3, 20); reflect.DeepEqual(other, one) {
		t.Error("another seed gives the same faults")
	}
	if other := Plan(7, 4, 3, 20); reflect.DeepEqual(other, one) {
		t.Error("another round gives the same faults")
	}
}

func TestNoFaultComesTwiceBeforeEachHasComeOnce(t *testing.T) {
	for seed := range uint64(50) {
		type happening struct {
			kind   Kind
			leader bool
		}
		seen := map[happening]bool{}
		for _, f := range Plan(seed, 0, 3, Kinds()) {
			if seen[happening{f.Kind, f.Leader}] {
				t.Errorf("seed %d has %s twice", seed, f)
			}
			seen[happening{f.Kind, f.Leader}] = true
		}
		if len(seen) != Kinds() {
			t.Errorf("seed %d has %d of %d", seed, len(seen), Kinds())
		}
	}
}

func TestAFaultHappensToAMemberThatIsThere(t *testing.T) {
	for _, members := range []int{2, 3, 5} {
		for _, f := range Plan(1, 0, members, 200) {
			if f.Follower < 0 || f.Follower > members-2 || f.Leader && f.Follower != 0 {
				t.Errorf("of %d members it is %s", members, f)
			}
			switch f.Kind {
			case Kill, Pause, Partition, Loss:
				if f.Lasts < shortest || f.Lasts > longest {
					t.Errorf("%s lasts less than %s or more than %s", f, shortest, longest)
				}
			case Defragment, Snapshot, Replace:
				if f.Lasts != 0 {
					t.Errorf("%s is done in one go", f)
				}
			}
		}
	}
}
