package differential

import (
	"cmp"
	"encoding/json"
	"slices"
)

// scrub takes out what differs by nature: versions, times of creation, who wrote what, and addresses that a server draws. Generations
// count writes to spec, of which only the last counts here: whether it has been observed.
func (t *tree) scrub() {
	metadata := t.fields["metadata"].(map[string]any)
	generation := metadata["generation"]
	for _, field := range []string{"creationTimestamp", "resourceVersion", "uid", "managedFields", "generation", "selfLink"} {
		delete(metadata, field)
	}
	if status, ok := t.fields["status"].(map[string]any); ok {
		if observed, reported := status["observedGeneration"]; reported && generation != nil {
			status["observedGeneration"] = "another"
			if observed == generation {
				status["observedGeneration"] = "the present"
			}
		}
	}
	if spec, ok := t.fields["spec"].(map[string]any); ok && t.kind == "Service" {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
		if ports, ok := spec["ports"].([]any); ok {
			for _, port := range ports {
				delete(port.(map[string]any), "nodePort")
			}
		}
	}
}

// order sorts lists that have no order.
func order(kind string, fields map[string]any) {
	metadata := fields["metadata"].(map[string]any)
	sortList(metadata["finalizers"])
	sortList(metadata["ownerReferences"])
	if status, ok := fields["status"].(map[string]any); ok {
		sortList(status["conditions"])
	}
	if spec, ok := fields["spec"].(map[string]any); ok && kind == "Node" {
		sortList(spec["taints"])
	}
	if kind == "EndpointSlice" {
		sortList(fields["endpoints"])
		sortList(fields["ports"])
	}
	if subsets, ok := fields["subsets"].([]any); ok && kind == "Endpoints" {
		for _, subset := range subsets {
			for _, list := range subset.(map[string]any) {
				sortList(list)
			}
		}
		sortList(fields["subsets"])
	}
}

// sortList sorts by what the elements look like.
func sortList(list any) {
	elements, ok := list.([]any)
	if !ok {
		return
	}
	looks := func(element any) string {
		if m, ok := element.(map[string]any); ok && m["type"] != nil {
			if kind, ok := m["type"].(string); ok {
				return kind
			}
		}
		data, err := json.Marshal(element)
		if err != nil {
			panic(err) // it was made from JSON
		}
		return string(data)
	}
	slices.SortFunc(elements, func(a, b any) int { return cmp.Compare(looks(a), looks(b)) })
}
