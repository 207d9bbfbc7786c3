package devicetaintrule

import (
	"fmt"
	"strings"

	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of the condition, as Kubernetes has them.
const (
	reasonPending     = "PodsPendingEviction"
	reasonNotStarted  = "NotStarted"
	reasonCompleted   = "Completed"
	reasonNoEffect    = "NoEffect"
	reasonOtherEffect = "OtherEffect"
)

// inProgress is the condition EvictionInProgress, without its time.
func inProgress(rule *resourcev1.DeviceTaintRule, w world) metav1.Condition {
	condition := metav1.Condition{
		Type:               resourcev1.DeviceTaintConditionEvictionInProgress,
		Status:             metav1.ConditionFalse,
		ObservedGeneration: rule.Generation,
	}
	var sentences []string
	switch rule.Spec.Taint.Effect {
	case resourcev1.DeviceTaintEffectNoExecute:
		switch {
		case len(w.pods) > 0:
			condition.Status, condition.Reason = metav1.ConditionTrue, reasonPending
			sentences = append(sentences, counted(len(w.pods), "pod needs", "pods need")+" to be evicted in "+
				counted(namespaces(w.pods), "namespace", "different namespaces")+".")
		case w.evicted > 0:
			condition.Reason = reasonCompleted
		default:
			condition.Reason = reasonNotStarted
		}
	case resourcev1.DeviceTaintEffectNone:
		condition.Reason = reasonNoEffect
		sentences = append(sentences,
			counted(w.published, "published device", "published devices")+" selected.",
			counted(w.allocated, "allocated device", "allocated devices")+" selected.",
			counted(len(w.pods), "pod", "pods")+" would be evicted in "+
				counted(namespaces(w.pods), "namespace", "different namespaces")+" if the effect was NoExecute.",
			"This information will not be updated again. Recreate the DeviceTaintRule to trigger an update.")
	default:
		condition.Reason = reasonOtherEffect
		sentences = append(sentences, "Eviction only happens for the NoExecute effect.")
	}
	if w.evicted > 0 {
		sentences = append(sentences, counted(w.evicted, "pod", "pods")+" evicted since starting the controller.")
	}
	condition.Message = strings.Join(sentences, " ")
	return condition
}

// counted is a number with what is counted.
func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// namespaces is in how many some pods are.
func namespaces(pods []client.ObjectKey) int {
	in := map[string]bool{}
	for _, pod := range pods {
		in[pod.Namespace] = true
	}
	return len(in)
}
