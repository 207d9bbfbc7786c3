package identity

import (
	"slices"
	"testing"
)

func TestNobodyIsBeyondAllRules(t *testing.T) {
	loops, err := Controllers()
	if err != nil {
		t.Fatal(err)
	}
	everybody := slices.Concat([]Identity{Admin, APIServer, Node("one")}, components, loops)
	for _, who := range everybody {
		if slices.Contains(who.Groups, "system:masters") {
			t.Errorf("%s is in system:masters, whom no rule restricts", who.User)
		}
	}
}
