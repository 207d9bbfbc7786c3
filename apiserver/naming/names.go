package naming

import (
	"bytes"
	"encoding/json"

	"github.com/orrery-dev/orrery/apis"
)

// firstGroups maps the second name of a group to its first. All kinds of a second name have a first.
var firstGroups = map[string]string{}

// secondGroups maps the first name of a group, and a kind or its list, to the second name of the group: Secret, for one, has
// one name.
var secondGroups = map[string]map[string]string{}

func init() { //nolint:gochecknoinits // two tables of what never changes, looked up for every word of every answer
	for _, kind := range apis.Kinds() {
		first, second := kind.GroupVersionKind(apis.Kubernetes).Group, kind.GroupVersionKind(apis.Orrery).Group
		firstGroups[second] = first
		if secondGroups[first] == nil {
			secondGroups[first] = map[string]string{}
		}
		secondGroups[first][kind.Kind], secondGroups[first][kind.Kind+"List"] = second, second
	}
}

// spellFirst appends a quoted API version as the first name has it. ok is false if it is the same.
func spellFirst(to, quoted []byte) (spelled []byte, ok bool) {
	group, version, ok := groupOf(quoted)
	if !ok {
		return nil, false
	}
	first, ok := firstGroups[string(group)]
	return spell(to, first, version), ok
}

// spellSecond appends a quoted API version of a kind as the second name has it. ok is false if the kind has one name only.
func spellSecond(to, quoted, kind []byte) (spelled []byte, ok bool) {
	group, version, ok := groupOf(quoted)
	if !ok {
		return nil, false
	}
	second, ok := secondGroups[string(group)][string(kind)]
	return spell(to, second, version), ok
}

// groupOf reads an API version between quotes.
func groupOf(quoted []byte) (group, version []byte, ok bool) {
	text := unquoted(quoted)
	switch group, version, ok = bytes.Cut(text, []byte("/")); {
	case !ok:
		return nil, text, len(text) > 0
	case bytes.IndexByte(version, '/') >= 0:
		return nil, nil, false
	}
	return group, version, true
}

// spell appends an API version between quotes.
func spell(to []byte, group string, version []byte) []byte {
	to = append(to, '"')
	if group != "" {
		to = append(append(to, group...), '/')
	}
	return append(append(to, version...), '"')
}

// unquoted is the text of a JSON string. Escapes are rare where a name stands; a version that has some needs none.
func unquoted(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil || bytes.ContainsAny([]byte(text), "\"\\\n\r\t") {
		return nil // no name is spelled like this
	}
	return []byte(text)
}
