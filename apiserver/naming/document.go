package naming

import (
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
)

// document is a JSON document in which API versions are to be spelled otherwise. Only these words are replaced: whatever else
// is in it, known or not, in whatever order and however often, stays byte for byte.
type document struct {
	data []byte
	to   apis.Naming
	// kind is whose objects these are; needed on the way to the second name, where managedFields do not say it.
	kind  apis.Kind
	edits []edit
}

// edit replaces a part of a document.
type edit struct {
	from, to int
	text     string
}

// toFirst spells the API versions of an object, or of part of one as in a merge patch, as the first name does. What is not
// JSON stays as it is: the server will refuse it.
func toFirst(data []byte) []byte {
	if !gjson.ValidBytes(data) {
		return data
	}
	d := document{data: data, to: apis.Kubernetes}
	d.object(gjson.ParseBytes(data))
	return d.edited()
}

// toSecond spells the API versions of an answer about a kind as the second name does: of an object, list, table, or of one
// event of a watch.
func toSecond(data []byte, kind apis.Kind) []byte {
	d := document{data: data, to: apis.Orrery, kind: kind}
	d.object(gjson.ParseBytes(data))
	return d.edited()
}

// object goes through an object, a list, a table, an event of a watch, or an apply configuration.
func (d *document) object(obj gjson.Result) {
	if !obj.IsObject() {
		return
	}
	var version, kind gjson.Result
	d.fields(obj, func(name string, value gjson.Result) {
		switch name {
		case "apiVersion":
			version = value
		case "kind":
			kind = value
		case "metadata":
			d.metadata(value)
		case "items", "rows":
			d.each(value, d.object)
		case "object": // of an event, and of a row
			d.object(value)
		}
	})
	d.version(version, kind.Str)
}

// metadata goes through the metadata of an object.
func (d *document) metadata(metadata gjson.Result) {
	d.fields(metadata, func(name string, value gjson.Result) {
		switch name {
		case "ownerReferences":
			d.each(value, d.owner)
		case "managedFields":
			d.each(value, d.managed)
		}
	})
}

// owner goes through one of the ownerReferences.
func (d *document) owner(ref gjson.Result) {
	var version, kind gjson.Result
	d.fields(ref, func(name string, value gjson.Result) {
		switch name {
		case "apiVersion":
			version = value
		case "kind":
			kind = value
		}
	})
	d.version(version, kind.Str)
}

// managed goes through one of the managedFields. On the way to the second name, only the object's own group has one: those of
// a subresource such as scale are written under another.
func (d *document) managed(entry gjson.Result) {
	d.fields(entry, func(name string, value gjson.Result) {
		if name != "apiVersion" {
			return
		}
		gv, err := schema.ParseGroupVersion(value.Str)
		if err != nil || d.to == apis.Orrery && gv.Group != d.kind.GroupVersionKind(apis.Kubernetes).Group {
			return
		}
		d.spell(value, gv)
	})
}

// version spells the apiVersion of an object or reference. On the way to the first name the group says enough, for all
// kinds of a second name have a first; on the way to the second it depends on the kind: Secret, for one, has one name.
func (d *document) version(version gjson.Result, kind string) {
	gv, err := schema.ParseGroupVersion(version.Str)
	if err != nil || version.Type != gjson.String {
		return
	}
	if d.to == apis.Orrery && !hasSecond(gv, kind) {
		return
	}
	d.spell(version, gv)
}

// spell replaces an API version.
func (d *document) spell(value gjson.Result, gv schema.GroupVersion) {
	spelled := schema.GroupVersion{Group: d.to.Group(gv.Group), Version: gv.Version}
	if value.Type != gjson.String || spelled == gv {
		return
	}
	d.edits = append(d.edits, edit{value.Index, value.Index + len(value.Raw), strconv.Quote(spelled.String())})
}

// hasSecond reports that a kind, or the kind of a list's items, has two names.
func hasSecond(gv schema.GroupVersion, kind string) bool {
	const list = "List"
	gk := schema.GroupKind{Group: gv.Group, Kind: kind}
	if apis.Orrery.GroupKind(gk) != gk {
		return true
	}
	if len(kind) <= len(list) || kind[len(kind)-len(list):] != list {
		return false
	}
	gk.Kind = kind[:len(kind)-len(list)]
	return apis.Orrery.GroupKind(gk) != gk
}

// fields visits the fields of an object, with their places in the document.
func (*document) fields(obj gjson.Result, visit func(name string, value gjson.Result)) {
	if !obj.IsObject() {
		return
	}
	obj.ForEach(func(name, value gjson.Result) bool {
		visit(name.Str, value)
		return true
	})
}

// each visits the elements of a list, with their places in the document.
func (*document) each(list gjson.Result, visit func(element gjson.Result)) {
	if !list.IsArray() {
		return
	}
	list.ForEach(func(_, value gjson.Result) bool {
		visit(value)
		return true
	})
}

// edited is the document with all edits made.
func (d *document) edited() []byte {
	if len(d.edits) == 0 {
		return d.data
	}
	slices.SortFunc(d.edits, func(a, b edit) int { return a.from - b.from })
	edited := make([]byte, 0, len(d.data)+16*len(d.edits))
	at := 0
	for _, e := range d.edits {
		edited = append(append(edited, d.data[at:e.from]...), e.text...)
		at = e.to
	}
	return append(edited, d.data[at:]...)
}
