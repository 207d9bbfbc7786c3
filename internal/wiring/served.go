package wiring

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/framework/loop"
)

// groupVersions says which resources a cluster has, as discovery.DiscoveryClient does.
type groupVersions interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// served parts loops into those that can be run on a cluster, and those about a kind that it does not have: it is older than the kind,
// or somebody has turned it off. A loop that watches what is not there would end the whole manager. Kinds that are ours by a group of
// ours are taken to be there: where they have not been installed, that is an error to be told, and no loop to be left out.
func served(cluster groupVersions, scheme *runtime.Scheme, entries []controllers.Entry) (here, missing []controllers.Entry, err error) {
	has := resources{cluster, map[schema.GroupVersion]*metav1.APIResourceList{}}
	for _, e := range entries {
		all, err := has.all(watched(e.Loop), scheme)
		if err != nil {
			return nil, nil, fmt.Errorf("finding the kinds of loop %s: %w", e.Loop.Name(), err)
		}
		if all {
			here = append(here, e)
		} else {
			missing = append(missing, e)
		}
	}
	return here, missing, nil
}

// watched are prototypes of what a loop watches.
func watched(l loop.Loop) []client.Object {
	var prototypes []client.Object
	if of := l.Object(); of != nil {
		prototypes = append(prototypes, of)
	}
	for _, watch := range l.Watches() {
		if watch.Object != nil {
			prototypes = append(prototypes, watch.Object)
		}
	}
	return prototypes
}

// resources are what a cluster has, asked for once by group version.
type resources struct {
	cluster groupVersions
	known   map[schema.GroupVersion]*metav1.APIResourceList
}

// all says whether the cluster has the kinds of all prototypes.
func (r resources) all(prototypes []client.Object, scheme *runtime.Scheme) (bool, error) {
	for _, prototype := range prototypes {
		gvk, err := apiutil.GVKForObject(prototype, scheme)
		if err != nil {
			return false, err
		}
		if ok, err := r.has(gvk); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r resources) has(gvk schema.GroupVersionKind) (bool, error) {
	if slices.ContainsFunc(apis.Kinds(), func(k apis.Kind) bool { return k.GroupVersionKind(apis.Orrery) == gvk }) {
		return true, nil
	}
	gv := gvk.GroupVersion()
	if r.known[gv] == nil {
		list, err := r.cluster.ServerResourcesForGroupVersion(gv.String())
		if apierrors.IsNotFound(err) {
			list, err = &metav1.APIResourceList{}, nil
		}
		if err != nil {
			return false, fmt.Errorf("asking the cluster for the resources of %s: %w", gv, err)
		}
		r.known[gv] = list
	}
	return slices.ContainsFunc(r.known[gv].APIResources, func(of metav1.APIResource) bool { return of.Kind == gvk.Kind }), nil
}
