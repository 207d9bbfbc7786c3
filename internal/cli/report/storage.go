package report

import (
	"io"

	"github.com/orrery-dev/orrery/storage/explain"
)

// Stored is what is to be said of a claim or a volume. Its JSON is stable: fields may be added.
type Stored struct {
	Kind string `json:"kind"`
	// Name is NAMESPACE/NAME of a claim, and the name of a volume.
	Name string `json:"name"`
	explain.Explanation
}

// Storage writes about a claim or a volume.
func Storage(out io.Writer, s Stored) error {
	i := newInk(out)
	style := good
	if len(s.Because) > 0 {
		style = bad
	}
	i.line("%s %s %s.", s.Kind, i.in(bold, s.Name), i.in(style, s.State))
	for _, why := range s.Because {
		i.line("  %s", why)
	}
	if len(s.Near) > 0 {
		i.line("")
		i.line("The volumes that come closest:")
	}
	for _, miss := range s.Near {
		i.line("  %s", i.in(bold, miss.Volume))
		for _, why := range miss.Reasons {
			i.line("    %s", why)
		}
	}
	if len(s.Held) > 0 {
		i.line("")
	}
	for _, who := range s.Held {
		i.line("  %s", who)
	}
	if s.Data != "" {
		i.line("")
		i.line("Its data lies %s.", s.Data)
	}
	return i.err
}
