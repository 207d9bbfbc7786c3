package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sentence is a step of a plan for a person: without the patch that it writes, where it gives a reason, and otherwise with what the
// patch says in words. "status Deployment default/web {"status":{"readyReplicas":2}}" becomes "status Deployment default/web:
// readyReplicas 2".
func sentence(step string) string {
	before, _, found := strings.Cut(step, " {")
	if !found {
		return step
	}
	decoder := json.NewDecoder(strings.NewReader(step[len(before)+1:]))
	var patch map[string]any
	if err := decoder.Decode(&patch); err != nil {
		return step // it is no patch after all
	}
	if why := step[len(before)+1+int(decoder.InputOffset()):]; strings.HasPrefix(why, ": ") {
		return before + why
	}
	if status, ok := patch["status"].(map[string]any); ok && len(patch) == 1 {
		patch = status
	}
	return before + ": " + strings.Join(words(patch, ""), ", ")
}

// words are what a patch changes, field by field, in the order of their names.
func words(patch map[string]any, path string) []string {
	var said []string
	for _, key := range slices.Sorted(maps.Keys(patch)) {
		switch value := patch[key].(type) {
		case map[string]any:
			said = append(said, words(value, path+key+".")...)
		case nil:
			said = append(said, "no "+path+key)
		case []any:
			if key == "conditions" {
				said = append(said, conditions(value)...)
			} else {
				said = append(said, path+key)
			}
		default:
			said = append(said, fmt.Sprintf("%s%s %v", path, key, value))
		}
	}
	return said
}

// conditions are those of a status, as in "Available True (MinimumReplicasAvailable)".
func conditions(list []any) []string {
	var said []string
	for _, entry := range list {
		condition, _ := entry.(map[string]any)
		name, state, reason := condition["type"], condition["status"], condition["reason"]
		switch {
		case name == nil || state == nil: // a part of one
		case reason == nil || reason == "":
			said = append(said, fmt.Sprintf("%v %v", name, state))
		default:
			said = append(said, fmt.Sprintf("%v %v (%v)", name, state, reason))
		}
	}
	return said
}
