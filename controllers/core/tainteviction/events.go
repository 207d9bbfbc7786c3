package tainteviction

import (
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/eviction"
)

// words are what is said of a pod that is evicted, as Kubernetes has it.
func words(pod *ocorev1.Pod) eviction.Words {
	return eviction.Words{
		Reason:       "DeletionByTaintManager",
		Message:      "Taint manager: deleting due to NoExecute taint",
		EventReason:  "TaintManagerEviction",
		EventMessage: fmt.Sprintf("Marking for deletion Pod %s/%s", pod.Namespace, pod.Name),
	}
}
