package nodename

import (
	"fmt"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

var _ explain.RefusalExplainer = Plugin{}

// ExplainRefusal names the node that the pod asks for.
func (Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	return explain.Detail{Text: fmt.Sprintf("the pod asks for node %s by spec.nodeName", refused.Pod.Spec.NodeName), Shortfall: 1}
}
