package cli

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/wiring"
)

func TestWhatNobodyActsOnIsToldAtTheStartAndWarnedOf(t *testing.T) {
	said, warnings := whatIsMissing(wiring.Selection{}, false), unservedWarnings(wiring.Selection{}, false)
	for _, kind := range wiring.Unserved(wiring.Selection{}, false) {
		if !strings.Contains(said, kind.Kind) {
			t.Errorf("up does not say that nothing comes of a %s", kind.Kind)
		}
		if !strings.Contains(warnings[kind.Resource()], kind.Without) {
			t.Errorf("the warning of %s is %q, want %q in it", kind.Resource(), warnings[kind.Resource()], kind.Without)
		}
	}
	if said, warnings := whatIsMissing(wiring.Selection{}, true), unservedWarnings(wiring.Selection{}, true); strings.Contains(said, "Ingress") || len(warnings) != len(wiring.Unserved(wiring.Selection{}, true)) {
		t.Errorf("with --ingress up says %q, and warns of %v", said, warnings)
	}
}
