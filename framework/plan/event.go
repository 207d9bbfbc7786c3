package plan

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// EventType is Normal or Warning, as Kubernetes has it.
type EventType string

// The types of event that Kubernetes knows.
const (
	Normal  EventType = "Normal"
	Warning EventType = "Warning"
)

// Event is what kubectl describe shows under Events.
type Event struct {
	// Regarding is the object that the event is about. The zero Event, with none, is not recorded.
	Regarding client.Object
	// Related is a second object that took part; nil means none.
	Related client.Object
	// Type is Normal or Warning; empty means Normal.
	Type EventType
	// Reason is one word in UpperCamelCase that tools may rely on.
	Reason string
	// Action is what the controller did, in UpperCamelCase; empty means the reason.
	Action string
	// Message is a sentence for people.
	Message string
}

// record is the step that records an event.
type record struct{ event Event }

func (s *record) Verb() string { return "event" }
func (s *record) Why() string  { return s.event.Message }
func (s *record) String() string {
	return "event " + string(s.event.Type) + " " + s.event.Reason + " for " + name(s.event.Regarding)
}

func (s *record) Do(_ context.Context, act Actor) error {
	act.Record(s.event)
	return nil
}

// remark is a record of something that goes on, made when it begins.
type remark struct{ record }

// Idle is true: telling people changes nothing.
func (s *remark) Idle() bool { return true }

func (s *remark) Do(_ context.Context, act Actor) error {
	act.RecordOnce(s.event)
	return nil
}
