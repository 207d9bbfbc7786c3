package differential

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

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
	name: "which indexes have failed of those that were stopped with their Job",
	kind: "Job",
	why: "Of an index whose pod is deleted because the Job ends upstream says that it has failed, if it looks again between the deletion and the end. " +
		"We say it of none.",
	level: func(our, their map[string]any) {
		if condition(our, "SuccessCriteriaMet") == nil && condition(our, "FailureTarget") == nil {
			return
		}
		ours, theirs := our["status"].(map[string]any), their["status"].(map[string]any)
		if indexes, ok := theirs["failedIndexes"].(string); ok && includes(indexes, ours["failedIndexes"]) {
			ours["failedIndexes"] = indexes
		}
	},
}, {
	name:  "since when a slice is as it is",
	kind:  "EndpointSlice",
	why:   whyTold,
	level: levelTold,
}, {
	name: "what the name of a mirrored slice was made of",
	kind: "EndpointSlice",
	why:  "Upstream makes what it writes of the Endpoints alone, and so drops metadata.generateName with its first update of a slice.",
	level: func(our, their map[string]any) {
		ours, theirs := our["metadata"].(map[string]any), their["metadata"].(map[string]any)
		if theirs["generateName"] == nil {
			delete(ours, "generateName")
		}
	},
}, {
	name:  "since when Endpoints are as they are",
	kind:  "Endpoints",
	why:   whyTold,
	level: levelTold,
}, {
	name: "what is left of a namespace while its pods go",
	kind: "Namespace",
	why:  "Upstream deletes pods first, and does not count them among what remains until they are gone: it says that all has been removed.",
	level: func(our, their map[string]any) {
		ours, theirs := condition(our, "NamespaceContentRemaining"), condition(their, "NamespaceContentRemaining")
		if message, _ := ours["message"].(string); strings.HasPrefix(message, "Some resources are remaining: pods. ") && theirs["reason"] == "ContentRemoved" {
			maps.Copy(ours, theirs)
		}
	},
}}

const whyTold = "Upstream remembers of which changes of pods it has heard, until it is restarted, and tells of them in no later write. We remember " +
	"nothing, and tell of the change of a pod that is listed anew or otherwise, as in a slice that takes the place of one that somebody deleted."

func levelTold(our, their map[string]any) {
	const told = "endpoints.kubernetes.io/last-change-trigger-time"
	annotations, _ := our["metadata"].(map[string]any)["annotations"].(map[string]any)
	if others, _ := their["metadata"].(map[string]any)["annotations"].(map[string]any); annotations != nil && others[told] == nil {
		delete(annotations, told)
		if len(annotations) == 0 {
			delete(our["metadata"].(map[string]any), "annotations")
		}
	}
}

// ourEvents are of reasons that we tell of where upstream may be silent.
var ourEvents = []struct{ reason, why string }{{
	"MissSchedule", "Upstream looks for times that were missed within the deadline only, and so finds one to be too late only if it becomes that while it looks.",
}, {
	"FailedCreate by statefulset-controller", "Upstream tries to create a pod whose name another has again and again, and says nothing of it; we say so once.",
}, {
	"SawCompletedJob", "Upstream clears a Job away before it looks whether it has ended, and so says nothing of one of which no history is kept.",
}}

// includes reports that all indexes of one list, as in "1,3-5", are in another.
func includes(more string, fewer any) bool {
	list, ok := fewer.(string)
	return ok && slices.Equal(indexesOf(more+","+list), indexesOf(more))
}

func indexesOf(list string) []int {
	indexes := map[int]bool{}
	for interval := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(interval, "-")
		first, err := strconv.Atoi(low)
		if err != nil {
			continue // the empty list
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(high); err != nil {
				continue
			}
		}
		for i := first; i <= last; i++ {
			indexes[i] = true
		}
	}
	return slices.Sorted(maps.Keys(indexes))
}

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
