package soak

import "fmt"

// Verb is what a client has asked for.
type Verb string

const (
	// Read asks for what an object is now: by a get, or by a list, neither with a resourceVersion.
	Read Verb = "read"
	// Write puts a value into an object on condition that it is as it was read, or makes the object.
	Write Verb = "write"
)

// Outcome is what a client was told.
type Outcome string

const (
	// Acknowledged means that it was done.
	Acknowledged Outcome = "acknowledged"
	// Refused means that the object was not as the write had it as a condition: a conflict.
	Refused Outcome = "refused"
	// Unknown means that it may have been done, may be done later, or never: no answer, or one that does not say.
	Unknown Outcome = "unknown"
)

// Operation is one request of a client, and what came of it.
type Operation struct {
	// Client made one request after another; 0 is the first client.
	Client int     `json:"client"`
	Object string  `json:"object"`
	Verb   Verb    `json:"verb"`
	Result Outcome `json:"result"`
	// From is the resourceVersion that a write has as its condition; 0 where it makes the object.
	From uint64 `json:"from,omitempty"`
	// Value is what was read, or what was to be written; no two writes of an object write the same.
	Value string `json:"value,omitempty"`
	// Version is the resourceVersion that was answered; 0 is that of an object that is not there.
	Version uint64 `json:"version,omitempty"`
	// Called and Returned are when, in nanoseconds of one clock for all clients.
	Called   int64 `json:"called"`
	Returned int64 `json:"returned"`
	// Told is the error, where there was one; nothing is judged by it.
	Told string `json:"told,omitempty"`
}

func (o Operation) String() string {
	switch {
	case o.Verb == Read && o.Version == 0:
		return "read: not there"
	case o.Verb == Read:
		return fmt.Sprintf("read: %q of %d", o.Value, o.Version)
	case o.Result == Acknowledged:
		return fmt.Sprintf("write %q over %d: %d", o.Value, o.From, o.Version)
	default:
		return fmt.Sprintf("write %q over %d: %s", o.Value, o.From, o.Result)
	}
}

// Notice is one thing that a watch has told.
type Notice struct {
	Kind NoticeKind `json:"kind"`
	// Version is the resourceVersion of the change, of the bookmark, or of the list.
	Version uint64 `json:"version"`
	// Object and Value are what changed, and into what.
	Object string `json:"object,omitempty"`
	Value  string `json:"value,omitempty"`
	// Objects are those of a list, with the version of each.
	Objects map[string]uint64 `json:"objects,omitempty"`
}

// NoticeKind is what a notice is about.
type NoticeKind string

const (
	// Listed means that the watch begins with a list, or begins anew: who was told that its version is too old has to list again.
	Listed NoticeKind = "list"
	// Changed is an object that was made or written.
	Changed NoticeKind = "change"
	// Bookmarked promises that all changes up to a version have been told.
	Bookmarked NoticeKind = "bookmark"
)

// Watch is all that one watcher was told, in the order in which it was told. It may have gone on with another member in between.
type Watch struct {
	Name    string   `json:"name"`
	Notices []Notice `json:"notices"`
}
