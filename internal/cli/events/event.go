package events

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/orrery-dev/orrery/internal/cli/journal"
)

// Event is something that was done, or went wrong. Its JSON is stable: fields may be added.
type Event struct {
	At time.Time `json:"at"`
	// Who did it: a loop, or the controller that an Event of the API names.
	Who string `json:"who"`
	// Source is where it was told: "plan" or "api".
	Source string `json:"source"`
	// Object is what it is about. Empty where that is many things.
	Object Object `json:"object,omitzero"`
	// Says is what was done and why, in one line.
	Says string `json:"says"`
	// Step is the step of a plan in full, with what it writes.
	Step string `json:"step,omitempty"`
	// Reason is that of an Event of the API, for programs.
	Reason string `json:"reason,omitempty"`
	// Warning: something is not as it should be.
	Warning bool `json:"warning,omitempty"`
}

// Object names an object. Groups are left out: of what loops decide for no two kinds have one name.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

func (o Object) String() string {
	switch {
	case o.Name == "":
		return ""
	case o.Namespace == "":
		return o.Kind + " " + o.Name
	default:
		return o.Kind + " " + o.Namespace + "/" + o.Name
	}
}

// The sources.
const (
	fromPlan = "plan"
	fromAPI  = "api"
)

// ofPlan are the steps of a plan, each by itself, and what went wrong with them.
func ofPlan(e journal.Entry) []Event {
	about := Event{At: e.At, Who: e.Loop, Source: fromPlan, Object: objectOf(e.Of, e.Key)}
	var told []Event
	for line := range strings.Lines(e.Plan) {
		line = strings.TrimSuffix(line, "\n")
		if untold(line) {
			continue
		}
		one := about
		one.Step, one.Says = line, sentence(line)+times(e.Times)
		told = append(told, one)
	}
	if e.Error != "" {
		one := about
		one.Warning, one.Says = true, "failed: "+strings.ReplaceAll(e.Error, "\n", "; ")
		told = append(told, one)
	}
	return told
}

// untold are lines of a plan in which nothing is done, or what the API tells as well.
func untold(line string) bool {
	for _, beginning := range []string{"look again in ", "nothing to do", "event "} {
		if strings.HasPrefix(line, beginning) {
			return true
		}
	}
	return false
}

// objectOf is what the key of a loop names. A key of a loop over objects of all kinds says the kind itself, as in
// "default/Deployment.apps/web".
func objectOf(kind, key string) Object {
	parts := strings.Split(key, "/")
	switch {
	case kind == "" && len(parts) == 3:
		return Object{withoutGroup(parts[1]), parts[0], parts[2]}
	case kind == "" && len(parts) == 2 && isKind(parts[0]):
		return Object{withoutGroup(parts[0]), "", parts[1]}
	case kind == "":
		return Object{}
	case len(parts) == 2:
		return Object{kind, parts[0], parts[1]}
	default:
		return Object{Kind: kind, Name: key}
	}
}

func withoutGroup(kind string) string {
	kind, _, _ = strings.Cut(kind, ".")
	return kind
}

// isKind reports that a word is the name of a kind and not of a namespace, which has no capitals.
func isKind(word string) bool { return word != strings.ToLower(word) }

// ofAPI is an Event of the API, as it was last seen.
func ofAPI(e *eventsv1.Event) Event {
	at, count := e.EventTime.Time, e.DeprecatedCount
	for _, later := range []time.Time{e.DeprecatedLastTimestamp.Time, e.CreationTimestamp.Time} {
		if at.IsZero() {
			at = later
		}
	}
	if precise := timeInName(e.Name); precise.Truncate(time.Second).Equal(at) {
		at = precise
	}
	if e.Series != nil {
		at, count = e.Series.LastObservedTime.Time, e.Series.Count
	}
	says := e.Reason
	if note := strings.Join(strings.Fields(e.Note), " "); note != "" {
		says += ": " + note
	}
	return Event{
		At: at, Who: cmp.Or(e.ReportingController, e.DeprecatedSource.Component, "somebody"), Source: fromAPI,
		Object: Object{e.Regarding.Kind, e.Regarding.Namespace, e.Regarding.Name},
		Says:   says + times(int(count)), Reason: e.Reason, Warning: e.Type == corev1.EventTypeWarning,
	}
}

// times says that something was done more than once.
func times(count int) string {
	if count <= 1 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", count)
}

// timeInName is when an Event was made first, which recorders put into its name to the nanosecond: times of the old form are of
// whole seconds, and would stand before what led to them. The zero time where the name says none.
func timeInName(name string) time.Time {
	nanoseconds, err := strconv.ParseInt(name[strings.LastIndex(name, ".")+1:], 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
