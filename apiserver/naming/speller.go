package naming

import (
	"bytes"
	"slices"

	"github.com/orrery-dev/orrery/apis"
)

// speller spells the API versions of a JSON document otherwise, in one pass, while the document comes in pieces of any size.
// Only these words are replaced: whatever else is in it, known or not, in whatever order and however often, stays byte for
// byte. Several documents may come one after the other, as the events of a watch do.
//
// It reads brackets, quotes, colons and commas, and nothing of what lies between them: what is no JSON passes, and is refused
// by who reads it.
type speller struct {
	// to is the naming to spell by.
	to apis.Naming
	// kind is whose objects these are, on the way to the second name: managedFields do not say it.
	kind []byte

	out     []byte   // what has been read and not been taken
	levels  []level  // the objects and lists that we are within; the first is the document
	deep    int      // brackets within a value in which nothing is spelled
	reading place    // of the string that we are within, if quoted
	quoted  bool     // we are within a string
	key     bool     // which is the name of a field
	escaped bool     // the next byte of it stands for itself
	start   int      // where in out it began, if it is more than passed on
	scratch [64]byte // where a word is spelled
}

// level is an object or a list that we are within.
type level struct {
	place place
	next  place // what the next value is
	key   bool  // the name of a field comes first

	// The apiVersion of an object, or of an owner, may stand before the kind that it is of. It lies at these bytes of out.
	from, to int
	kind     []byte
}

// newSpeller returns a speller for documents that are one place.
func newSpeller(to apis.Naming, kind string, document place) *speller {
	return &speller{to: to, kind: []byte(kind), levels: []level{{next: document}}}
}

// toFirst spells an object, or part of one as in a merge patch, as the first name does.
func toFirst(data []byte) []byte { return newSpeller(apis.Kubernetes, "", object).all(data) }

// toSecond spells an answer about a kind as the second name does: an object, list, table, or event of a watch.
func toSecond(data []byte, kind apis.Kind) []byte {
	return newSpeller(apis.Orrery, kind.Kind, object).all(data)
}

// all spells a document that is there as a whole.
func (s *speller) all(data []byte) []byte {
	s.out = make([]byte, 0, len(data)+len(data)/8)
	s.write(data)
	return s.out
}

// write reads the next piece.
func (s *speller) write(data []byte) {
	copied := 0 // of data, into out
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case s.quoted:
			i = s.endOfText(data, i)
			if i == len(data) {
				break
			}
			s.quoted = false
			if s.key || s.reading != elsewhere {
				s.out = append(s.out, data[copied:i+1]...)
				copied = i + 1
				s.word()
			}
		case s.deep > 0:
			i = s.pass(data, i)
		case c == '"':
			s.quoted, s.key, s.reading = true, s.level().key, elsewhere
			if next := s.level().next; !s.key && (next == version || next == kindName) {
				s.reading = next
			}
			if s.key || s.reading != elsewhere {
				s.out = append(s.out, data[copied:i]...)
				copied, s.start = i, len(s.out)
			}
		case c == '{' || c == '[':
			s.open(c)
		case c == '}' || c == ']':
			s.close()
		case c == ',':
			s.level().key = s.level().place.hasFields()
		}
	}
	s.out = append(s.out, data[copied:]...)
}

// endOfText is where the string that we are within ends; the length of data if that is not in it.
func (s *speller) endOfText(data []byte, i int) int {
	if n := bytes.IndexByte(data[i:], '"'); n >= 0 && !s.escaped && (n == 0 || data[i+n-1] != '\\') {
		return i + n // as nearly always: there is no escape before it
	}
	for ; i < len(data); i++ {
		switch {
		case s.escaped:
			s.escaped = false
		case data[i] == '\\':
			s.escaped = true
		case data[i] == '"':
			return i
		}
	}
	return i
}

// pass passes over what nothing is spelled in. It returns the place of the bracket that ends it, or of the last byte.
func (s *speller) pass(data []byte, i int) int {
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			if i = s.endOfText(data, i+1); i == len(data) {
				s.quoted, s.key, s.reading = true, false, elsewhere
				return i
			}
		case '{', '[':
			s.deep++
		case '}', ']':
			if s.deep--; s.deep == 0 {
				return i
			}
		}
	}
	return i
}

func (s *speller) level() *level { return &s.levels[len(s.levels)-1] }

func (s *speller) open(bracket byte) {
	switch next := s.level().next; {
	case bracket == '{' && next.hasFields():
		s.levels = append(s.levels, level{place: next, key: true})
	case bracket == '[' && next.element() != elsewhere:
		s.levels = append(s.levels, level{place: next, next: next.element()})
	default:
		s.deep = 1
	}
}

func (s *speller) close() {
	if len(s.levels) > 1 { // else there is a bracket too many
		s.levels = s.levels[:len(s.levels)-1]
	}
}

// word takes in a word that has come to its end: the name of a field, or a value that says what something is.
func (s *speller) word() {
	level, text := s.level(), s.out[s.start:]
	switch {
	case s.key:
		level.key, level.next = false, level.place.field(unquoted(text))
	case s.reading == kindName:
		level.kind = append(level.kind[:0], unquoted(text)...)
		s.spellLater(level)
	case s.to == apis.Kubernetes: // the group says enough
		if spelled, ok := spellFirst(s.scratch[:0], text); ok {
			s.replace(s.start, len(s.out), spelled)
		}
	case level.place == manager:
		s.spellManager(text)
	default:
		level.from, level.to = s.start, len(s.out)
		s.spellLater(level)
	}
}

// spellManager spells the version by which a manager wrote, if it is one of the object's own group: those of a subresource
// such as scale are written under another.
func (s *speller) spellManager(text []byte) {
	if spelled, ok := spellSecond(s.scratch[:0], text, s.kind); ok {
		s.replace(s.start, len(s.out), spelled)
	}
}

// spellLater spells the version of an object or owner by its second name, once it is known of which kind it is.
func (s *speller) spellLater(level *level) {
	if s.to != apis.Orrery || level.to == 0 || level.kind == nil {
		return
	}
	if spelled, ok := spellSecond(s.scratch[:0], s.out[level.from:level.to], level.kind); ok {
		s.replace(level.from, level.to, spelled)
	}
	level.from, level.to = 0, 0
}

func (s *speller) replace(from, to int, spelled []byte) {
	s.out = slices.Replace(s.out, from, to, spelled...)
}

// ready are the bytes about which nothing more has to be known. They are given out once, and may be used until the next write.
func (s *speller) ready() []byte {
	end := len(s.out)
	if s.quoted && (s.key || s.reading != elsewhere) {
		end = s.start
	}
	for i := range s.levels {
		if l := s.levels[i]; l.to != 0 {
			end = min(end, l.from)
			break
		}
	}
	return s.out[:end]
}

// taken forgets bytes that have been given out.
func (s *speller) taken(n int) {
	s.out = s.out[:copy(s.out, s.out[n:])]
	s.start -= n
	for i := range s.levels {
		if l := &s.levels[i]; l.to != 0 {
			l.from, l.to = l.from-n, l.to-n
		}
	}
}
