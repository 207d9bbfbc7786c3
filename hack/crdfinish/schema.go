package main

import (
	"maps"
	"slices"
)

// object is a JSON object: a schema, or a part of one.
type object map[string]any

// at returns the object under key, or nil.
func (o object) at(key string) object {
	child, _ := o[key].(map[string]any)
	return child
}

// list returns the elements of a JSON array which are objects.
func list(value any) []object {
	var out []object
	elements, _ := value.([]any)
	for _, e := range elements {
		if o, ok := e.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// finish changes the root schema of one version in place.
func finish(root object) {
	walk(root, func(schema object) {
		if isListMap(schema) {
			typeNested(schema)
		}
		allowNullLists(schema)
		boundRuledStrings(schema)
		completeMetadata(schema)
		defaultScheduler(schema)
	})
	walk(root.at("properties").at("status"), requireNothing)
	walk(root, func(schema object) {
		if isListMap(schema) {
			requireKeys(schema)
		}
	})
}

// requireNothing lets a writer leave a field out. In a status the Go types call required what they always write, if only as
// an empty string; but a patch leaves out what is empty before and after.
func requireNothing(schema object) { delete(schema, "required") }

// walk calls visit for every schema below root, outer ones first.
func walk(schema object, visit func(object)) {
	if schema == nil {
		return
	}
	visit(schema)
	properties := schema.at("properties")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		walk(properties.at(name), visit)
	}
	walk(schema.at("items"), visit)
	walk(schema.at("additionalProperties"), visit)
}

func isListMap(schema object) bool {
	return schema["x-kubernetes-list-type"] == "map" && schema.at("items") != nil
}

// typeNested describes elements which controller-gen left empty: those of a list that occurs
// within its own elements. What is in them is kept as it is.
func typeNested(schema object) {
	items := schema.at("items")
	if len(items) > 0 {
		return
	}
	items["type"] = "object"
	items["x-kubernetes-preserve-unknown-fields"] = true
	properties := map[string]any{}
	for _, key := range strings(schema["x-kubernetes-list-map-keys"]) {
		properties[key] = map[string]any{"type": "string"}
	}
	items["properties"] = properties
}

// requireKeys requires those keys of a list map that have no default.
func requireKeys(schema object) {
	items := schema.at("items")
	required := strings(items["required"])
	for _, key := range strings(schema["x-kubernetes-list-map-keys"]) {
		if _, ok := items.at("properties").at(key)["default"]; !ok && !slices.Contains(required, key) {
			required = append(required, key)
		}
	}
	if len(required) > 0 {
		slices.Sort(required)
		items["required"] = required
	}
}

func allowNullLists(schema object) {
	for _, name := range strings(schema["required"]) {
		if property := schema.at("properties").at(name); property["type"] == "array" {
			property["nullable"] = true
		}
	}
}

// boundRuledStrings limits strings that have rules to the longest name there is. An API server
// budgets rules by what they may have to look at.
func boundRuledStrings(schema object) {
	const longestName = 253
	_, bounded := schema["maxLength"]
	if schema["type"] == "string" && schema["x-kubernetes-validations"] != nil && !bounded {
		schema["maxLength"] = longestName
	}
}

// defaultScheduler names the scheduler of a pod, as Kubernetes does: without a name none takes it, also where nobody has
// set up the webhooks that know all the other defaults.
func defaultScheduler(schema object) {
	if name := schema.at("properties").at("schedulerName"); name["type"] == "string" {
		name["default"] = "default-scheduler"
	}
}

// completeMetadata adds to the metadata of a template what controller-gen leaves out.
func completeMetadata(schema object) {
	metadata := schema.at("properties").at("metadata").at("properties")
	if metadata.at("finalizers") == nil {
		return
	}
	kept := func() map[string]any {
		return map[string]any{"type": "array", "items": map[string]any{
			"type": "object", "x-kubernetes-preserve-unknown-fields": true,
		}}
	}
	time := func() map[string]any {
		return map[string]any{"type": "string", "format": "date-time", "nullable": true}
	}
	for _, name := range []string{"generateName", "resourceVersion", "selfLink", "uid"} {
		metadata[name] = map[string]any{"type": "string"}
	}
	for _, name := range []string{"deletionGracePeriodSeconds", "generation"} {
		metadata[name] = map[string]any{"type": "integer", "format": "int64"}
	}
	metadata["creationTimestamp"], metadata["deletionTimestamp"] = time(), time()
	metadata["managedFields"], metadata["ownerReferences"] = kept(), kept()
}

// strings returns the elements of a JSON array which are strings.
func strings(value any) []string {
	switch v := value.(type) {
	case []string:
		return v
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
