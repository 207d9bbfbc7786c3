package servicelb

import (
	"testing"

	"github.com/orrery-dev/orrery/network/loadbalancer"
	"k8s.io/cloud-provider/service/helpers"
)

func TestNamesAreThoseOfOthers(t *testing.T) {
	if finalizer != helpers.LoadBalancerCleanupFinalizer {
		t.Errorf("the finalizer is %s, clouds have %s", finalizer, helpers.LoadBalancerCleanupFinalizer)
	}
	if class != loadbalancer.Class {
		t.Errorf("the class is %s, what announces addresses looks for %s", class, loadbalancer.Class)
	}
}
