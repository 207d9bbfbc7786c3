package devicetaintrule

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options are what the loop shares with that which evicts.
type Options struct {
	// Evicted counts the pods that rules have evicted; nil has counted none.
	Evicted *devicetaints.Evictions
}

// +kubebuilder:rbac:groups=resource.k8s.io,resources=devicetaintrules,verbs=get;list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=devicetaintrules/status,verbs=patch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims;resourceslices,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch

// Controller decides for DeviceTaintRules.
type Controller struct{ Options }

var _ loop.Controller[*resourcev1.DeviceTaintRule, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("device-taint-rule-controller", Controller{options}, append(devicetaints.Indexed(),
		loop.Watches(rulesFor, loop.Update(otherClaim)),
		loop.Watches(rulesForPod, loop.Update(otherPod)),
	)...)
}

// rulesFor names the rules that taint a device which a claim has got.
func rulesFor(ctx context.Context, read client.Reader, claim *resourcev1.ResourceClaim) ([]client.ObjectKey, error) {
	if claim.Status.Allocation == nil {
		return nil, nil
	}
	var rules resourcev1.DeviceTaintRuleList
	if err := read.List(ctx, &rules, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing DeviceTaintRules: %w", err)
	}
	var keys []client.ObjectKey
	for i := range rules.Items {
		if devicetaints.SelectsOf(&rules.Items[i], claim) {
			keys = append(keys, client.ObjectKeyFromObject(&rules.Items[i]))
		}
	}
	return keys, nil
}

// rulesForPod names the rules that taint a device which a pod uses.
func rulesForPod(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	var keys []client.ObjectKey
	for _, name := range resourceclaims.Names(pod) {
		claim := &resourcev1.ResourceClaim{}
		if err := read.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, claim); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading ResourceClaim %s/%s: %w", pod.Namespace, name, err)
		}
		of, err := rulesFor(ctx, read, claim)
		if err != nil {
			return nil, err
		}
		keys = append(keys, of...)
	}
	return keys, nil
}

func otherClaim(was, is *resourcev1.ResourceClaim) bool {
	return !equality.Semantic.DeepEqual(was.Status.Allocation, is.Status.Allocation) ||
		!equality.Semantic.DeepEqual(was.Status.ReservedFor, is.Status.ReservedFor)
}

func otherPod(was, is *ocorev1.Pod) bool {
	return was.UID != is.UID || was.Spec.NodeName != is.Spec.NodeName || (was.DeletionTimestamp == nil) != (is.DeletionTimestamp == nil) ||
		!equality.Semantic.DeepEqual(was.Status.ResourceClaimStatuses, is.Status.ResourceClaimStatuses)
}
