package naming

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/orrery-dev/orrery/apis"
)

// patchToFirst spells the API versions in a JSON patch (RFC 6902) as the first name does. Of each operation, the path says what
// the value is, which may stand before it.
func patchToFirst(data []byte) []byte {
	if !gjson.ValidBytes(data) {
		return data
	}
	patch := gjson.ParseBytes(data)
	if !patch.IsArray() {
		return data
	}
	var spelled []byte
	copied := 0
	patch.ForEach(func(_, operation gjson.Result) bool {
		if value, is := valueOf(operation); is != elsewhere {
			spelled = append(spelled, data[copied:value.Index]...)
			spelled = append(spelled, newSpeller(apis.Kubernetes, "", is).all([]byte(value.Raw))...)
			copied = value.Index + len(value.Raw)
		}
		return true
	})
	return append(spelled, data[copied:]...)
}

// valueOf is the value of an operation, and what it is.
func valueOf(operation gjson.Result) (value gjson.Result, is place) {
	if !operation.IsObject() {
		return value, elsewhere
	}
	var path string
	operation.ForEach(func(name, field gjson.Result) bool {
		switch name.Str {
		case "path":
			path = field.Str
		case "value":
			value = field
		}
		return true
	})
	if !value.Exists() {
		return value, elsewhere
	}
	return value, placeAt(path)
}

// placeAt is what stands at a JSON pointer into an object.
func placeAt(pointer string) place {
	at := object
	if pointer == "" {
		return at
	}
	for word := range slices.Values(strings.Split(strings.TrimPrefix(pointer, "/"), "/")) {
		switch {
		case at.element() != elsewhere: // any of them
			at = at.element()
		case at.hasFields():
			at = at.field([]byte(word))
		default:
			return elsewhere
		}
	}
	return at
}
