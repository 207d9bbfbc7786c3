package cli

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/orrery-dev/orrery/internal/wiring"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// unservedWarnings are what the API server says to who makes an object on which nothing here acts.
func unservedWarnings(selection wiring.Selection, ingress bool) map[schema.GroupResource]string {
	warnings := map[schema.GroupResource]string{}
	for _, kind := range wiring.Unserved(selection, ingress) {
		warnings[kind.Resource()] = kind.Warning()
	}
	return warnings
}

// whatIsMissing says of which kinds nothing will come; empty when that is none.
func whatIsMissing(selection wiring.Selection, ingress bool) string {
	var kinds []string
	for _, kind := range wiring.Unserved(selection, ingress) {
		kinds = append(kinds, kind.Kind)
	}
	if len(kinds) == 0 {
		return ""
	}
	const width = 100
	return "\n" + ansi.Wordwrap("What orrery itself does nothing with, though it is stored: "+strings.Join(kinds, ", ")+".", width, "") + "\n"
}
