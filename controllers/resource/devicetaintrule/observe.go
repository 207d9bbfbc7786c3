package devicetaintrule

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is whom a rule concerns.
type world struct {
	// pods use a device that the rule taints, and their claims do not tolerate a taint of it with the effect NoExecute for ever.
	pods []client.ObjectKey
	// published and allocated are how many devices the rule selects: in slices, and in claims.
	published, allocated int
	// evicted is how many pods the rule has evicted.
	evicted int
}

// Observe looks for whom the rule concerns, as far as its status tells of them.
func (c Controller) Observe(ctx context.Context, view loop.View, rule *resourcev1.DeviceTaintRule) (world, error) {
	w := world{evicted: c.Evicted.Of(rule.UID)}
	if effect := rule.Spec.Taint.Effect; effect != resourcev1.DeviceTaintEffectNone && effect != resourcev1.DeviceTaintEffectNoExecute {
		return w, nil
	}
	claims, err := devicetaints.ClaimsUnder(ctx, view, rule)
	if err != nil {
		return world{}, err
	}
	if w.pods, err = pending(ctx, view, rule, claims); err != nil {
		return world{}, err
	}
	if rule.Spec.Taint.Effect == resourcev1.DeviceTaintEffectNone {
		w.allocated = allocated(rule, claims)
		w.published, err = published(ctx, view, rule)
	}
	return w, err
}

// pending are the pods that use a device by one of the claims, which the rule taints, and have to go.
func pending(ctx context.Context, read client.Reader, rule *resourcev1.DeviceTaintRule, claims []resourcev1.ResourceClaim) ([]client.ObjectKey, error) {
	var evicting []resourcev1.ResourceClaim
	for i := range claims {
		if evicts(rule, &claims[i]) {
			evicting = append(evicting, claims[i])
		}
	}
	var keys []client.ObjectKey
	for _, key := range devicetaints.Consumers(evicting...) {
		pod := &ocorev1.Pod{}
		switch err := read.Get(ctx, key, pod); {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading pod %s: %w", key, err)
		}
		if pod.Spec.NodeName != "" && pod.DeletionTimestamp == nil && usesOneOf(pod, evicting) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// evicts reports that a claim has a device which the rule taints and does not tolerate that for ever, or would not if its effect was
// NoExecute.
func evicts(rule *resourcev1.DeviceTaintRule, claim *resourcev1.ResourceClaim) bool {
	taint := rule.Spec.Taint
	taint.Effect = resourcev1.DeviceTaintEffectNoExecute
	for _, result := range devicetaints.Results(claim) {
		if !devicetaints.Selects(rule, result.Driver, result.Pool, result.Device) {
			continue
		}
		if _, forever := devicetaints.Tolerated(result.Tolerations, taint); !forever {
			return true
		}
	}
	return false
}

func usesOneOf(pod *ocorev1.Pod, claims []resourcev1.ResourceClaim) bool {
	for i := range claims {
		if claims[i].Namespace == pod.Namespace && devicetaints.Uses(pod, &claims[i]) {
			return true
		}
	}
	return false
}

// allocated is how many devices of the claims the rule selects.
func allocated(rule *resourcev1.DeviceTaintRule, claims []resourcev1.ResourceClaim) int {
	n := 0
	for i := range claims {
		for _, result := range devicetaints.Results(&claims[i]) {
			if devicetaints.Selects(rule, result.Driver, result.Pool, result.Device) {
				n++
			}
		}
	}
	return n
}

// published is how many devices in slices that count the rule selects.
func published(ctx context.Context, read client.Reader, rule *resourcev1.DeviceTaintRule) (int, error) {
	var list resourcev1.ResourceSliceList
	if err := read.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return 0, fmt.Errorf("listing ResourceSlices: %w", err)
	}
	type pool struct{ driver, name string }
	pools := map[pool][]resourcev1.ResourceSlice{}
	for _, slice := range list.Items {
		of := pool{slice.Spec.Driver, slice.Spec.Pool.Name}
		pools[of] = append(pools[of], slice)
	}
	n := 0
	for of, slices := range pools {
		for _, slice := range devicetaints.Current(slices) {
			for _, device := range slice.Spec.Devices {
				if devicetaints.Selects(rule, of.driver, of.name, device.Name) {
					n++
				}
			}
		}
	}
	return n, nil
}
