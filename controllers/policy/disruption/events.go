package disruption

import (
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonNoPods     = "NoPods"
	reasonUnmanaged  = "UnmanagedPods"
	reasonNotCounted = "CalculateExpectedPodCountFailed"
	reasonNotDeleted = "NotDeleted"
	reasonSeveral    = "MultiplePodDisruptionBudgets"
)

// remark tells what is odd about the pods of a budget.
func remark(p *plan.Plan, budget *opolicyv1.PodDisruptionBudget, w world) {
	if len(w.pods) == 0 {
		p.EventOnce(budget, plan.Normal, reasonNoPods, "No matching pods found")
	}
	if needsScales(budget) && w.unscaled == nil {
		for _, pod := range w.pods {
			if metav1.GetControllerOfNoCopy(pod) == nil {
				p.EventOnce(budget, plan.Warning, reasonUnmanaged, "Pods selected by this PodDisruptionBudget (selector: %v) were found "+
					"to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. "+
					"To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.", budget.Spec.Selector)
				break
			}
		}
	}
	for _, pod := range w.shared {
		p.EventOnce(pod, plan.Warning, reasonSeveral, "Pod %q/%q matches multiple PodDisruptionBudgets.  Chose %q arbitrarily.", pod.Namespace, pod.Name, budget.Name)
	}
}
