package wiring

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/framework/loop"
)

// groupVersions says which resources a cluster has, as discovery.DiscoveryClient does.
type groupVersions interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// served parts loops into those that can be run on a cluster, and those of what every cluster has whose kind this one does not
// have: it is older than the kind, or somebody has turned it off. A loop for a kind that is not there would end the whole manager.
func served(cluster groupVersions, scheme *runtime.Scheme, entries []controllers.Entry) (here, missing []controllers.Entry, err error) {
	known := map[schema.GroupVersion]*metav1.APIResourceList{}
	for _, e := range entries {
		prototypes := decidedFor([]loop.Loop{e.Loop})
		if e.Scope == controllers.OurKinds || len(prototypes) == 0 {
			here = append(here, e)
			continue
		}
		gvk, err := apiutil.GVKForObject(prototypes[0], scheme)
		if err != nil {
			return nil, nil, fmt.Errorf("finding the kind of loop %s: %w", e.Loop.Name(), err)
		}
		gv := gvk.GroupVersion()
		if known[gv] == nil {
			if known[gv], err = cluster.ServerResourcesForGroupVersion(gv.String()); apierrors.IsNotFound(err) {
				known[gv] = &metav1.APIResourceList{}
			} else if err != nil {
				return nil, nil, fmt.Errorf("asking the cluster for the resources of %s: %w", gv, err)
			}
		}
		if slices.ContainsFunc(known[gv].APIResources, func(r metav1.APIResource) bool { return r.Kind == gvk.Kind }) {
			here = append(here, e)
		} else {
			missing = append(missing, e)
		}
	}
	return here, missing, nil
}
