package rbac

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
)

// Report is what came of a proof.
type Report struct {
	Judgement
	// Refused are requests that no role allows.
	Refused []Refusal
	// NotAdmitted are requests that roles allow and that were forbidden all the same, as by a quota, by a namespace that is being deleted,
	// or because they would have given others more rights than their user has.
	NotAdmitted []Refusal

	narrow map[string]bool // the namespaces that Roles are for
}

// Refusal are requests of one sort that were forbidden.
type Refusal struct {
	Request Request
	Times   int
	// Message is what the API server said, the first time.
	Message string
}

// Report compares what was asked for up to now with the roles. The manager should have ended. It asks the API server once more about what was
// forbidden.
func (p *Proof) Report(ctx context.Context) (Report, error) {
	allowed, forbidden, err := p.recorder.all()
	if err != nil {
		return Report{}, err
	}
	r := Report{narrow: map[string]bool{}}
	for _, g := range p.granted {
		if g.Namespace != "" {
			r.narrow[g.Namespace] = true
		}
	}
	for _, refusal := range forbidden {
		may, err := p.may(ctx, refusal.Request)
		switch {
		case err != nil:
			return Report{}, err
		case may:
			allowed = append(allowed, refusal.Request)
			r.NotAdmitted = append(r.NotAdmitted, refusal)
		default:
			r.Refused = append(r.Refused, refusal)
		}
	}
	r.Judgement = Judge(p.granted, allowed, p.options.Unused)
	return r, nil
}

// all is what was written down: what was allowed, and what was answered by that it is forbidden, sorted.
func (r *recorder) all() (allowed []Request, refused []Refusal, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for asked, f := range r.forbidden {
		refused = append(refused, Refusal{Request: asked, Times: f.times, Message: messageOf(f.answer)})
	}
	slices.SortFunc(refused, func(a, b Refusal) int { return compare(a.Request, b.Request) })
	return slices.SortedFunc(maps.Keys(r.allowed), compare), refused, r.err
}

// messageOf is what an answer says, in whichever encoding its client asked for; empty if that is no Status.
func messageOf(answer []byte) string {
	obj, _, err := clientgoscheme.Codecs.UniversalDeserializer().Decode(answer, nil, nil)
	status, ok := obj.(*metav1.Status)
	if err != nil || !ok {
		return ""
	}
	return status.Message
}

func compare(a, b Request) int {
	return cmp.Or(
		cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.URL, b.URL), cmp.Compare(a.Verb, b.Verb),
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
	)
}

// Refusals say which requests no role allows, and which markers would allow them. It is empty if there are none.
func (r Report) Refusals() string {
	if len(r.Refused) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString("no role allows what was asked for:\n")
	for _, line := range together(r.Refused) {
		text.WriteString("    " + line + "\n")
	}
	text.WriteString("  To allow it, add to the markers of the code that does it, and run `make manifests`:\n")
	for _, marker := range r.markers() {
		text.WriteString("    " + marker + "\n")
	}
	return text.String()
}

// Leftovers say which rights nothing has used, and which reasons are about nothing. It is empty if there are none.
func (r Report) Leftovers() string {
	var text strings.Builder
	if len(r.Unused) > 0 {
		text.WriteString("nothing was asked for that needs these rights:\n")
		for _, line := range leftover(r.Unused) {
			text.WriteString("    " + line + "\n")
		}
		text.WriteString("  Take the verbs out of the markers, let the test do what needs them, or give the reason in Unused.\n")
	}
	if len(r.Idle) > 0 {
		text.WriteString("nothing is granted that these reasons in Unused are about:\n")
		for _, reason := range r.Idle {
			text.WriteString("    " + strings.Join(strings.Fields(reason.Verb+" "+reason.On), " ") + ": " + reason.Why + "\n")
		}
	}
	return text.String()
}

// String says everything, also what is as it should be.
func (r Report) String() string {
	text := r.Refusals() + r.Leftovers()
	for _, excuse := range r.Excused {
		text += fmt.Sprintf("%s %s was not used: %s\n", excuse.Grant.Verb, excuse.Grant.What(), excuse.Why)
	}
	for _, refusal := range r.NotAdmitted {
		text += fmt.Sprintf("%s is allowed, and was forbidden (%s): %s\n", refusal.Request, times(refusal.Times), refusal.Message)
	}
	return text
}

// together are refusals, those of one verb, resource and namespace in a line.
func together(refusals []Refusal) []string {
	var lines []string
	for i := 0; i < len(refusals); {
		sort := refusals[i].Request
		sort.Name = ""
		var names []string
		asked := 0
		for ; i < len(refusals); i++ {
			this := refusals[i].Request
			name := this.Name
			if this.Name = ""; this != sort {
				break
			}
			asked += refusals[i].Times
			if name != "" {
				names = append(names, name)
			}
		}
		line := sort.String()
		if sort.Namespace == "" && slices.Contains([]string{"list", "watch", "deletecollection"}, sort.Verb) {
			line += " in the whole cluster"
		}
		if len(names) > 0 {
			line += ": " + someOf(names)
		}
		lines = append(lines, fmt.Sprintf("%s (%s)", line, times(asked)))
	}
	return lines
}

// most is how many names are told.
const most = 3

func someOf(names []string) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// markers are those that would allow what was refused, one for each resource. Where a Role is for the namespace, so is the marker.
func (r Report) markers() []string {
	type on struct{ group, resource, url, namespace string }
	verbs := map[on][]string{}
	for _, refusal := range r.Refused {
		asked := refusal.Request
		on := on{group: asked.Group, resource: asked.Resource, url: asked.URL}
		if r.narrow[asked.Namespace] {
			on.namespace = asked.Namespace
		}
		verbs[on] = append(verbs[on], asked.Verb)
	}
	var markers []string
	for on, verbs := range verbs {
		marker := "// +kubebuilder:rbac:"
		switch {
		case on.url != "":
			marker += "urls=" + on.url
		case on.group == "":
			marker += `groups="",resources=` + on.resource
		default:
			marker += "groups=" + on.group + ",resources=" + on.resource
		}
		slices.Sort(verbs)
		marker += ",verbs=" + strings.Join(slices.Compact(verbs), ";")
		if on.namespace != "" {
			marker += ",namespace=" + on.namespace
		}
		markers = append(markers, marker)
	}
	slices.Sort(markers)
	return markers
}

// leftover are rights, those of one rule on one thing in a line.
func leftover(grants []Grant) []string {
	var order []Grant
	verbs := map[Grant][]string{}
	for _, g := range grants {
		verb := g.Verb
		g.Verb = ""
		if verbs[g] == nil {
			order = append(order, g)
		}
		verbs[g] = append(verbs[g], verb)
	}
	var lines []string
	for _, g := range order {
		line := strings.Join(verbs[g], ", ") + " " + g.What()
		if g.Name != "" {
			line += " " + g.Name
		}
		if g.Namespace != "" {
			line += " in namespace " + g.Namespace
		}
		lines = append(lines, line+": "+g.By)
	}
	return lines
}
