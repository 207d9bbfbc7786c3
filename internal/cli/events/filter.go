package events

import (
	"strings"
	"time"
)

// Filter says what of a stream somebody wants to hear. The zero value is everything.
type Filter struct {
	// Since is the time before which nothing is told.
	Since time.Time
	// Namespace is the one that it has to be about; empty is any.
	Namespace string
	// Object is what it has to be about, or to name; the zero value is any.
	Object Object
	// Belongs reports that an object is among those it has to be about; nil means that all are.
	Belongs func(Object) bool
}

// Keeps reports that the filter lets an event pass.
func (f Filter) Keeps(e Event) bool {
	switch {
	case e.At.Before(f.Since):
		return false
	case f.Namespace != "" && e.Object.Namespace != f.Namespace && !mentions(e.text(), " "+f.Namespace+"/", false):
		return false
	case f.Object != (Object{}) && e.Object != f.Object && !mentions(e.text(), f.Object.String(), true):
		return false
	case f.Belongs != nil && !f.Belongs(e.Object):
		return false
	}
	return true
}

func (e Event) text() string {
	if e.Step != "" {
		return e.Step
	}
	return e.Says
}

// mentions reports that a name stands in a text; whole means that the name does not go on there.
func mentions(text, name string, whole bool) bool {
	for {
		at := strings.Index(text, name)
		if at < 0 {
			return false
		}
		text = text[at+len(name):]
		if !whole || !goesOn(text) {
			return true
		}
	}
}

// goesOn reports that a text begins with more of a name, and not with what stands behind one: a full stop, for one, is followed by
// a blank.
func goesOn(text string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	beyond := strings.TrimLeft(text, "-.")
	return beyond != "" && strings.ContainsRune(letters, rune(beyond[0]))
}
