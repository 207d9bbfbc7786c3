package cli

import (
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

func TestTheTablesOfAnInstanceAreTheOnesOfItsNameAlone(t *testing.T) {
	inst, err := instance.Open(instance.DefaultDataDir(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for table, its := range map[string]bool{
		"orrery-a-pods": true, "orrery-a-services": true,
		"orrery-a-b-pods": false, "orrery-ab-pods": false, "orrery-a": false, "orrery-a-": false, "filter": false,
	} {
		if got := isTableOf(inst, table); got != its {
			t.Errorf("%s is of instance a: %t, want %t", table, got, its)
		}
	}
}
