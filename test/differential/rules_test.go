package differential

// rule is a difference that stands.
type rule struct {
	name, kind string
	// why is said in the doc.go of the room, too.
	why string
	// level takes the difference out, and nothing else.
	level func(our, their map[string]any)
}

var rules = []rule{{
	name: "which step of a rollout was seen first",
	kind: "Deployment",
	why: "Upstream sets Progressing to NewReplicaSetCreated and then computes what has progressed, which it may do for the first time before or " +
		"after the new ReplicaSet has pods. In the first case it goes on to ReplicaSetUpdated. We always count from none.",
	level: func(our, their map[string]any) {
		ours, theirs := condition(our, "Progressing"), condition(their, "Progressing")
		early := map[any]bool{"NewReplicaSetCreated": true, "FoundNewReplicaSet": true}
		if ours["reason"] == "ReplicaSetUpdated" && early[theirs["reason"]] {
			ours["reason"], ours["message"] = theirs["reason"], theirs["message"]
		}
	},
}}

// condition is a condition of an object; nil if it has none of that type.
func condition(fields map[string]any, kind string) map[string]any {
	status, _ := fields["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	for _, c := range conditions {
		if c := c.(map[string]any); c["type"] == kind {
			return c
		}
	}
	return nil
}
