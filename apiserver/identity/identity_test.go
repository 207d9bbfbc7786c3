package identity

import (
	"slices"
	"testing"
)

func TestNobodyIsBeyondAllRules(t *testing.T) {
	everybody := append([]Identity{Admin, APIServer, Node("one")}, generated...)
	for _, who := range everybody {
		if slices.Contains(who.Groups, "system:masters") {
			t.Errorf("%s is in system:masters, whom no rule restricts", who.User)
		}
	}
}
