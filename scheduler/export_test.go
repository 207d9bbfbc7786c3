package scheduler

import (
	"reflect"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// KnownNodes returns how many nodes the scheduler would decide by now.
func (s *Scheduler) KnownNodes() int {
	nodes, _, _ := s.cache.Size()
	return nodes
}

// CountedOn returns the node on which the scheduler has seen a pod, or "".
func (s *Scheduler) CountedOn(pod types.UID) string {
	known, found := s.cache.Pod(pod)
	if !found || s.cache.IsAssumed(pod) {
		return ""
	}
	return known.Spec.NodeName
}

// KnownVersion returns the resource version of an object as the scheduler or its plugins would decide by it now, or "" where
// they do not know it.
func (s *Scheduler) KnownVersion(object client.Object) string {
	kind := reflect.TypeOf(object).Elem().Name()
	if kind == "Node" {
		if known, found := s.cache.Node(object.GetName()); found {
			return known.ResourceVersion
		}
		return ""
	}
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind})
	resource := schema.GroupVersionResource{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"}
	for _, each := range eventKinds {
		if each.Resource == plural.Resource {
			resource = each
		}
	}
	informer, err := s.clients.Informers.ForResource(resource)
	if err != nil {
		return ""
	}
	known, found, err := informer.Informer().GetStore().GetByKey(toolscache.MetaObjectToName(object).String())
	if err != nil || !found {
		return ""
	}
	return known.(client.Object).GetResourceVersion()
}
