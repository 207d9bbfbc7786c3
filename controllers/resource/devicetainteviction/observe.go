package devicetainteviction

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a pod's claims have to tolerate.
type world struct{ taints []taint }

// taint is one with the effect NoExecute, of a device that the pod uses.
type taint struct {
	resourcev1.DeviceTaint
	// device is whose it is, as in "devices.example.com/a/d0".
	device string
	// tolerations are those of the device in the claim.
	tolerations []resourcev1.DeviceToleration
	// rule is whose taint it is; empty if it stands in a slice.
	rule types.UID
}

// Observe reads the taints of the devices that the pod uses.
func (Controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	var w world
	if !mayUse(pod) {
		return w, nil
	}
	var rules resourcev1.DeviceTaintRuleList
	if err := view.List(ctx, &rules, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing DeviceTaintRules: %w", err)
	}
	for _, name := range resourceclaims.Names(pod) {
		claim := &resourcev1.ResourceClaim{}
		switch err := view.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, claim); {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return world{}, fmt.Errorf("reading ResourceClaim %s/%s: %w", pod.Namespace, name, err)
		}
		if !devicetaints.Uses(pod, claim) {
			continue
		}
		for _, result := range devicetaints.Results(claim) {
			published, err := devicetaints.Slices(ctx, view, result.Driver, result.Pool)
			if err != nil {
				return world{}, err
			}
			w.taints = append(w.taints, taintsOf(result, published, rules.Items)...)
		}
	}
	return w, nil
}

// mayUse reports that a pod may use devices, and that it is not being deleted yet.
func mayUse(pod *ocorev1.Pod) bool {
	return pod.Spec.NodeName != "" && pod.DeletionTimestamp == nil && len(pod.Spec.ResourceClaims) > 0
}

// taintsOf are the taints of a device that evict: those of its driver, in the slices of its pool, and those of rules.
func taintsOf(result resourcev1.DeviceRequestAllocationResult, pool []resourcev1.ResourceSlice, rules []resourcev1.DeviceTaintRule) []taint {
	var taints []taint
	add := func(of resourcev1.DeviceTaint, rule types.UID) {
		if devicetaints.Evicts(of) && of.TimeAdded != nil { // the API server dates all of them
			device := fmt.Sprintf("%s/%s/%s", result.Driver, result.Pool, result.Device)
			taints = append(taints, taint{of, device, result.Tolerations, rule})
		}
	}
	for _, slice := range pool {
		for _, device := range slice.Spec.Devices {
			if device.Name == result.Device {
				for _, of := range device.Taints {
					add(of, "")
				}
			}
		}
	}
	for i := range rules {
		if devicetaints.Selects(&rules[i], result.Driver, result.Pool, result.Device) {
			add(rules[i].Spec.Taint, rules[i].UID)
		}
	}
	return taints
}
