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
}, {
	name: "since when a slice is as it is, when it is made anew",
	kind: "EndpointSlice",
	why:  "Upstream remembers which changes it has told of, until it is restarted, and does not tell of them in a slice that takes the place of one that somebody deleted. We remember nothing.",
	level: func(our, their map[string]any) {
		const told = "endpoints.kubernetes.io/last-change-trigger-time"
		annotations, _ := our["metadata"].(map[string]any)["annotations"].(map[string]any)
		if others, _ := their["metadata"].(map[string]any)["annotations"].(map[string]any); annotations != nil && others[told] == nil {
			delete(annotations, told)
			if len(annotations) == 0 {
				delete(our["metadata"].(map[string]any), "annotations")
			}
		}
	},
}}

// earlyEvents are of reasons that we tell of earlier than upstream, or upstream earlier than we.
var earlyEvents = []struct{ reason, why string }{{
	"MultiplePodDisruptionBudgets", "Upstream tells of a second budget when the pod changes the next time, we when the budget is there.",
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
