package podtopologyspread

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/orrery-dev/orrery/apis"
)

// owners are the objects that say which pods belong together.
type owners struct {
	services               corelisters.ServiceLister
	replicationControllers corelisters.ReplicationControllerLister
	replicaSets            appslisters.ReplicaSetLister
	statefulSets           appslisters.StatefulSetLister
}

func newOwners(factory informers.SharedInformerFactory) owners {
	return owners{
		services:               factory.Core().V1().Services().Lister(),
		replicationControllers: factory.Core().V1().ReplicationControllers().Lister(),
		replicaSets:            factory.Apps().V1().ReplicaSets().Lister(),
		statefulSets:           factory.Apps().V1().StatefulSets().Lister(),
	}
}

// selector returns what the Services that select a pod and its controller agree on. It is empty where there are none; an
// object that cannot be read is as one that is not there.
func (o *owners) selector(pod *corev1.Pod) labels.Selector {
	common := labels.Set{}
	if services, err := o.services.Services(pod.Namespace).List(labels.Everything()); err == nil {
		for _, service := range services {
			if service.Spec.Selector != nil && contains(pod.Labels, service.Spec.Selector) {
				maps.Copy(common, service.Spec.Selector)
			}
		}
	}
	var own *metav1.LabelSelector
	switch owner := metav1.GetControllerOfNoCopy(pod); ownerKind(owner) {
	case schema.GroupKind{Kind: "ReplicationController"}:
		if controller, err := o.replicationControllers.ReplicationControllers(pod.Namespace).Get(owner.Name); err == nil {
			maps.Copy(common, controller.Spec.Selector)
		}
	case schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}:
		if replicaSet, err := o.replicaSets.ReplicaSets(pod.Namespace).Get(owner.Name); err == nil {
			own = replicaSet.Spec.Selector
		}
	case schema.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		if statefulSet, err := o.statefulSets.StatefulSets(pod.Namespace).Get(owner.Name); err == nil {
			own = statefulSet.Spec.Selector
		}
	}
	selector := common.AsSelector()
	if own == nil {
		return selector
	}
	if parsed, err := metav1.LabelSelectorAsSelector(own); err == nil {
		requirements, _ := parsed.Requirements()
		selector = selector.Add(requirements...)
	}
	return selector
}

// ownerKind returns the kind of a controller as Kubernetes names it, and none for one of another version than v1.
func ownerKind(owner *metav1.OwnerReference) schema.GroupKind {
	if owner == nil {
		return schema.GroupKind{}
	}
	version, err := schema.ParseGroupVersion(owner.APIVersion)
	if err != nil || version.Version != "v1" {
		return schema.GroupKind{}
	}
	return schema.GroupKind{Group: apis.Kubernetes.Group(version.Group), Kind: owner.Kind}
}

func contains(set, subset map[string]string) bool {
	for key, value := range subset {
		if has, found := set[key]; !found || has != value {
			return false
		}
	}
	return true
}
