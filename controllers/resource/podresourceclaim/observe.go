package podresourceclaim

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podgroups"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what there is for the claims of a pod.
type world struct {
	// group is the pod's PodGroup; nil if it has none, or it does not exist.
	group *oschedulingv1beta1.PodGroup
	// claims are those that the pod's spec and status name, by their names.
	claims map[string]*resourcev1.ResourceClaim
	// made are those that were made from templates for the pod, by the names of the pod's claims.
	made map[string]*resourcev1.ResourceClaim
	// templates are by their names.
	templates map[string]*resourcev1.ResourceClaimTemplate
}

// Observe reads the pod's claims, what they are made from, and its group.
func (Controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	if !needsClaims(pod) {
		return world{}, nil
	}
	w := world{claims: map[string]*resourcev1.ResourceClaim{}, templates: map[string]*resourcev1.ResourceClaimTemplate{}}
	if name := podgroups.Of(pod); name != "" {
		group := &oschedulingv1beta1.PodGroup{}
		if found, err := get(ctx, view, pod, name, group); err != nil || !found {
			return w, err
		}
		w.group = group
	}
	for _, name := range resourceclaims.Templates(pod) {
		template := &resourcev1.ResourceClaimTemplate{}
		found, err := get(ctx, view, pod, name, template)
		if err != nil {
			return world{}, err
		}
		if found {
			w.templates[name] = template
		}
	}
	if err := w.readClaims(ctx, view, pod); err != nil {
		return world{}, err
	}
	var err error
	w.made, err = madeFor(ctx, view, pod)
	return w, err
}

// readClaims reads the claims that the pod names. One that the cache does not show is looked for on the API server, as another would
// be made in its place.
func (w world) readClaims(ctx context.Context, view loop.View, pod *ocorev1.Pod) error {
	for _, name := range resourceclaims.Names(pod) {
		claim := &resourcev1.ResourceClaim{}
		found, err := get(ctx, view, pod, name, claim)
		if !found && err == nil {
			found, err = get(ctx, view.Live(), pod, name, claim)
		}
		if err != nil {
			return err
		}
		if found {
			w.claims[name] = claim
		}
	}
	return nil
}

// madeFor are the claims that were made for a pod. Where there are two for one claim of the pod, which there should not be, either may
// do.
func madeFor(ctx context.Context, view loop.View, pod *ocorev1.Pod) (map[string]*resourcev1.ResourceClaim, error) {
	var controlled resourcev1.ResourceClaimList
	if err := ownership.Controlled(ctx, view, pod.Namespace, pod.UID, &controlled); err != nil {
		return nil, err
	}
	made := map[string]*resourcev1.ResourceClaim{}
	for i := range controlled.Items {
		claim := &controlled.Items[i]
		if name, ok := claim.Annotations[resourcev1.PodResourceClaimAnnotation]; ok {
			made[name] = claim
		}
	}
	return made, nil
}

// get reads an object of the pod's namespace. That there is none is no error.
func get(ctx context.Context, read client.Reader, pod *ocorev1.Pod, name string, obj client.Object) (found bool, err error) {
	switch err := read.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, obj); {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading %T %s for pod %s/%s: %w", obj, name, pod.Namespace, pod.Name, err)
	}
	return true, nil
}
