package naming

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/orrery-dev/orrery/apis"
)

// patchToFirst spells the API versions in a JSON patch (RFC 6902) as the first name does.
func patchToFirst(data []byte) []byte {
	if !gjson.ValidBytes(data) {
		return data
	}
	d := document{data: data, to: apis.Kubernetes}
	d.each(gjson.ParseBytes(data), d.operation)
	return d.edited()
}

// operation goes through one operation of a JSON patch. Its path says what its value is part of.
func (d *document) operation(operation gjson.Result) {
	var path, value gjson.Result
	d.fields(operation, func(name string, field gjson.Result) {
		switch name {
		case "path":
			path = field
		case "value":
			value = field
		}
	})
	words := strings.Split(path.Str, "/")
	switch {
	case path.Str == "":
		d.object(value)
	case path.Str == "/metadata":
		d.metadata(value)
	case words[len(words)-1] == "apiVersion" && (len(words) == 2 || isReference(words)):
		d.version(value, "")
	case len(words) == 3 && isReference(words):
		d.each(value, d.owner) // owners and managers are spelled alike on this way
	case len(words) == 4 && isReference(words):
		d.owner(value)
	}
}

// isReference reports that a path leads into the ownerReferences or managedFields of the object.
func isReference(words []string) bool {
	return len(words) > 2 && words[1] == "metadata" && (words[2] == "ownerReferences" || words[2] == "managedFields")
}
