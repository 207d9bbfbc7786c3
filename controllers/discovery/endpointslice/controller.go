package endpointslice

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// managedBy is the name of this controller on its slices. It is upstream's: whoever reads slices looks for it.
const managedBy = "endpointslice-controller.k8s.io"

// +kubebuilder:rbac:groups="",resources=services;pods;nodes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services/finalizers,verbs=update
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Services.
type Controller struct{}

var _ loop.Controller[*ocorev1.Service, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("endpointslice-controller", Controller{},
		loop.RecordsAs("endpoint-slice-controller"),
		loop.Owns(&odiscoveryv1.EndpointSlice{}),
		loop.Watches(servicepods.Selecting),
		loop.Watches(onNode, placeOfNode),
		onnode.Indexed(),
	)
}

// placeOfNode lets pass that a node comes, goes, or moves to another zone.
var placeOfNode = loop.Update(func(was, is *ocorev1.Node) bool {
	const zone = corev1.LabelTopologyZone
	return was.Labels[zone] != is.Labels[zone]
})

// onNode names the Services that select a pod of a node.
func onNode(ctx context.Context, read client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
	pods, err := onnode.Pods(ctx, read, node.Name)
	if err != nil {
		return nil, err
	}
	var keys []client.ObjectKey
	for i := range pods {
		selecting, err := servicepods.Selecting(ctx, read, &pods[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, selecting...)
	}
	return keys, nil
}
