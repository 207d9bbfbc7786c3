package cli

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/wiring"
)

func TestWhatNobodyActsOnIsToldAtTheStartAndWarnedOf(t *testing.T) {
	said, warnings := whatIsMissing(wiring.Selection{}), unservedWarnings(wiring.Selection{})
	for _, kind := range wiring.Unserved(wiring.Selection{}) {
		if !strings.Contains(said, kind.Kind) {
			t.Errorf("up does not say that nothing comes of a %s", kind.Kind)
		}
		if !strings.Contains(warnings[kind.Resource()], kind.Without) {
			t.Errorf("the warning of %s is %q, want %q in it", kind.Resource(), warnings[kind.Resource()], kind.Without)
		}
	}
}
