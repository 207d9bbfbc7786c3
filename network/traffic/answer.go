package traffic

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// Outcome is what becomes of a connection.
type Outcome string

// The outcomes.
const (
	// Passes means that it gets through, wherever it may end.
	Passes Outcome = "Passes"
	// Sometimes means that it depends on the endpoint that is chosen.
	Sometimes Outcome = "Sometimes"
	// Dropped means that nothing answers: a policy stops it, or nothing takes packets to where it goes.
	Dropped Outcome = "Dropped"
	// Refused means that the one who opens it is told at once that there is nobody.
	Refused Outcome = "Refused"
	// Unresolved means that its name leads nowhere.
	Unresolved Outcome = "Unresolved"
	// Leaves means that it is let out of the cluster, about which nothing is known here.
	Leaves Outcome = "Leaves"
)

// Answer is what becomes of a connection, and why.
type Answer struct {
	// From and To say in words who opens it, and to what.
	From string `json:"from"`
	To   string `json:"to"`
	// Steps are what is true of it wherever it ends, in the order in which it happens.
	Steps []Step `json:"steps,omitempty"`
	// Ends are where it may end; one of them is chosen at random.
	Ends []End `json:"ends,omitempty"`
	// Unused are endpoints of the Service that it never meets, each with the reason.
	Unused     []string `json:"unused,omitempty"`
	Outcome    Outcome  `json:"outcome"`
	Conclusion string   `json:"conclusion"`
}

// End is a place where a connection may end.
type End struct {
	// Address is where it is; the zero value is a name outside of the cluster.
	Address netip.AddrPort `json:"address,omitzero"`
	// What is there, in words.
	What    string  `json:"what"`
	Outcome Outcome `json:"outcome"`
	Steps   []Step  `json:"steps,omitempty"`
}

// Step is a sentence about one thing that happens to a connection.
type Step struct {
	// About is name, service, source, egress, ingress or route.
	About string `json:"about"`
	Says  string `json:"says"`
}

// Write writes the answer as text.
func (a Answer) Write(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s -> %s\n", a.From, a.To)
	if len(a.Steps) > 0 {
		text.WriteString("\n")
	}
	writeSteps(&text, "", a.Steps)
	for _, unused := range a.Unused {
		fmt.Fprintf(&text, "%-8s not used: %s\n", "", unused)
	}
	for _, end := range a.Ends {
		fmt.Fprintf(&text, "\n%s: %s\n", end, verbs[end.Outcome])
		writeSteps(&text, "  ", end.Steps)
	}
	fmt.Fprintf(&text, "\n%s\n", a.Conclusion)
	_, err := io.WriteString(out, text.String())
	return err
}

var verbs = map[Outcome]string{Passes: "gets through", Dropped: "is dropped", Leaves: "is let out"}

func writeSteps(text *strings.Builder, indent string, steps []Step) {
	for _, step := range steps {
		fmt.Fprintf(text, "%s%-8s %s\n", indent, step.About, step.Says)
	}
}

// String is where it is and what is there.
func (e End) String() string {
	if !e.Address.IsValid() {
		return e.What
	}
	return fmt.Sprintf("%s, %s", e.Address, e.What)
}

// conclude says what follows from the ends.
func (a *Answer) conclude() {
	through, stopped := 0, ""
	for _, end := range a.Ends {
		if end.Outcome != Dropped {
			through++
			a.Outcome = end.Outcome
			continue
		}
		for _, step := range end.Steps {
			if step.stops() && stopped == "" {
				stopped = step.Says
			}
		}
	}
	switch all := len(a.Ends); {
	case through == 0:
		a.Outcome, a.Conclusion = Dropped, "It is dropped: "+stopped+"."
	case through < all:
		a.Outcome = Sometimes
		a.Conclusion = fmt.Sprintf("It gets through to %d of %d endpoints, of which one is chosen at random: to others, %s.", through, all, stopped)
	case a.Outcome == Leaves:
		a.Conclusion = "It is let out of the cluster; what becomes of it there is not known here."
	case all == 1:
		a.Conclusion = "It gets through."
	default:
		a.Conclusion = fmt.Sprintf("It gets through to each of %d endpoints, of which one is chosen at random.", all)
	}
}

// stops says whether the step is why a connection is dropped.
func (s Step) stops() bool { return strings.Contains(s.Says, stopping) }

// stopping is in each sentence that says why a connection is dropped.
const stopping = "drops it"
