package clients

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
)

// document is a JSON object of which only some fields are looked into.
type document map[string]json.RawMessage

// translateObject spells the API versions of an object, of the items of a list and of their owners as a naming does.
// What is no object, or names no kind, comes back as it was.
func translateObject(data []byte, to apis.Naming) ([]byte, error) {
	var object document
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, err
	}
	if err := object.translateVersion(to); err != nil {
		return nil, err
	}
	if err := object.translateOwners(to); err != nil {
		return nil, err
	}
	if items, ok := object["items"]; ok {
		translated, err := translateItems(items, to)
		if err != nil {
			return nil, err
		}
		object["items"] = translated
	}
	return json.Marshal(object)
}

func translateItems(data []byte, to apis.Naming) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, err
	}
	for i := range items {
		item, err := translateObject(items[i], to)
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	return json.Marshal(items)
}

// translateVersion spells the field apiVersion as a naming does, for the kind in the field kind.
func (d document) translateVersion(to apis.Naming) error {
	var version, kind string
	for name, field := range map[string]*string{"apiVersion": &version, "kind": &kind} {
		raw, ok := d[name]
		if !ok {
			return nil
		}
		if err := json.Unmarshal(raw, field); err != nil {
			return err
		}
	}
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return err
	}
	// A list has the names of what it lists.
	gv = to.GroupVersionKind(gv.WithKind(strings.TrimSuffix(kind, "List"))).GroupVersion()
	d["apiVersion"], err = json.Marshal(gv.String())
	return err
}

func (d document) translateOwners(to apis.Naming) error {
	var metadata document
	if raw, ok := d["metadata"]; !ok {
		return nil
	} else if err := json.Unmarshal(raw, &metadata); err != nil {
		return err
	}
	raw, ok := metadata["ownerReferences"]
	if !ok {
		return nil
	}
	var owners []document
	if err := json.Unmarshal(raw, &owners); err != nil {
		return err
	}
	for _, owner := range owners {
		if err := owner.translateVersion(to); err != nil {
			return err
		}
	}
	var err error
	if metadata["ownerReferences"], err = json.Marshal(owners); err != nil {
		return err
	}
	d["metadata"], err = json.Marshal(metadata)
	return err
}
