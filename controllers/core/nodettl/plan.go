package nodettl

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan tells the nodes that have not been told the number of their cluster's size, side by side, so that a node which cannot be
// written holds up no other.
func (Controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	told := make([]string, len(w.nodes))
	for i := range w.nodes {
		told[i] = w.nodes[i].Annotations[corev1.ObjectTTLAnnotationKey]
	}
	wanted := tiers[tierOf(len(w.nodes), present(told))].seconds
	var nodes []*ocorev1.Node
	for i := range w.nodes {
		if told[i] != wanted {
			nodes = append(nodes, &w.nodes[i])
		}
	}
	plan.PatchEach(p, fmt.Sprintf("there are %d nodes", len(w.nodes)), nodes, func(node *ocorev1.Node) {
		metav1.SetMetaDataAnnotation(&node.ObjectMeta, corev1.ObjectTTLAnnotationKey, wanted)
	})
	return p
}
