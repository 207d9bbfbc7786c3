package restore

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// RestoredUID is the annotation of an object that was made by a restore: the UID that it had in the snapshot.
const RestoredUID = "orrery.dev/restored-uid"

// Request is what somebody wants to have restored.
type Request struct {
	// Namespace is the one in the snapshot.
	Namespace string
	// Into is the namespace in the cluster; empty for the same.
	Into string
	// Kinds are those to restore, by the first of their names; empty for all.
	Kinds []schema.GroupKind
	// ExcludeKinds are those not to.
	ExcludeKinds []schema.GroupKind
	// Selector selects objects by their labels in the snapshot; nil for all.
	Selector labels.Selector
	// Overwrite replaces objects that exist and differ.
	Overwrite bool
	// RebindVolumes lets volumes that are Released go from the claims that are restored, so that these are bound to them again.
	RebindVolumes bool
	// Definitions makes the CustomResourceDefinitions of what is restored, where the cluster does not know them.
	Definitions bool
}

// into is the namespace in the cluster.
func (r Request) into() string { return cmp.Or(r.Into, r.Namespace) }

// wants reports that an object of the snapshot is asked for.
func (r Request) wants(o *unstructured.Unstructured) bool {
	kind := o.GroupVersionKind().GroupKind()
	return r.wantsKind(kind) && (r.Selector == nil || r.Selector.Matches(labels.Set(o.GetLabels())))
}

func (r Request) wantsKind(kind schema.GroupKind) bool {
	return (len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind)) && !slices.Contains(r.ExcludeKinds, kind)
}

// place is where an object of the snapshot belongs in the cluster.
func (r Request) place(then *unstructured.Unstructured) Ref {
	ref := refOf(then)
	ref.Namespace = r.into()
	return ref
}

// Ref names an object in the cluster, in whatever version.
type Ref struct {
	schema.GroupKind
	// Namespace is empty for an object that lives in none.
	Namespace, Name string
}

func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

func refOf(o *unstructured.Unstructured) Ref {
	return Ref{o.GroupVersionKind().GroupKind(), o.GetNamespace(), o.GetName()}
}

// World is all that a plan rests on.
type World struct {
	// Then are the objects of the namespace in the snapshot, and the Namespace itself. The Namespace is nil if there was none.
	Then          []*unstructured.Unstructured
	ThenNamespace *unstructured.Unstructured
	// Unread are the kinds of the snapshot that could not be read, and why.
	Unread map[schema.GroupKind]error
	// Beyond are objects of the snapshot that live in no namespace, and that something in it needs: volumes, classes, roles,
	// definitions.
	Beyond map[Ref]*unstructured.Unstructured

	// Now is what the cluster has of all of that, in the namespace where it belongs. What is not there is not in it.
	Now map[Ref]*unstructured.Unstructured
	// Unseen are those that the cluster could not be asked for, and why.
	Unseen map[Ref]error
	// Served are the kinds that the cluster serves, with their resources.
	Served map[schema.GroupVersionKind]metav1.APIResource
}

// Kinds that are more than a kind here.
var (
	namespaceKind  = schema.GroupKind{Kind: "Namespace"}
	podKind        = schema.GroupKind{Kind: "Pod"}
	serviceKind    = schema.GroupKind{Kind: "Service"}
	endpointsKind  = schema.GroupKind{Kind: "Endpoints"}
	secretKind     = schema.GroupKind{Kind: "Secret"}
	configMapKind  = schema.GroupKind{Kind: "ConfigMap"}
	accountKind    = schema.GroupKind{Kind: "ServiceAccount"}
	claimKind      = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	volumeKind     = schema.GroupKind{Kind: "PersistentVolume"}
	quotaKind      = schema.GroupKind{Kind: "ResourceQuota"}
	limitRangeKind = schema.GroupKind{Kind: "LimitRange"}
	leaseKind      = schema.GroupKind{Group: "coordination.k8s.io", Kind: "Lease"}
	jobKind        = schema.GroupKind{Group: "batch", Kind: "Job"}
	cronJobKind    = schema.GroupKind{Group: "batch", Kind: "CronJob"}
	roleKind       = schema.GroupKind{Group: rbacGroup, Kind: "Role"}
	bindingKind    = schema.GroupKind{Group: rbacGroup, Kind: "RoleBinding"}
	policyKind     = schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}
	classKind      = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}
	definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

	replicationControllerKind = schema.GroupKind{Kind: "ReplicationController"}
	priorityClassKind         = schema.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}
	runtimeClassKind          = schema.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}
	clusterRoleKind           = schema.GroupKind{Group: rbacGroup, Kind: "ClusterRole"}
	clusterRoleBindingKind    = schema.GroupKind{Group: rbacGroup, Kind: "ClusterRoleBinding"}
)

const (
	rbacGroup     = "rbac.authorization.k8s.io"
	snapshotGroup = "snapshot.storage.k8s.io"
)

// holdsData reports that what a controller would make in the place of an object is not the same: what it holds was put into it.
func holdsData(kind schema.GroupKind) bool {
	return kind == claimKind || kind == secretKind || kind == configMapKind
}

// isFixed reports that of an object of a kind nearly nothing can be changed while it exists.
func isFixed(kind schema.GroupKind) bool {
	return kind == podKind || kind == jobKind || kind == claimKind
}

// ranks are the kinds in the order in which they are made: what others rely on first, what runs last. Kinds that are not here
// come between. A quota comes after all, because one whose use has not been counted yet admits nothing.
var ranks = []func(schema.GroupKind) bool{
	is(definitionKind),
	is(namespaceKind),
	is(limitRangeKind, policyKind, accountKind),
	is(secretKind, configMapKind, roleKind),
	is(bindingKind, volumeKind),
	is(claimKind),
	func(kind schema.GroupKind) bool { return !runs(kind) && kind != quotaKind },
	runs,
	is(quotaKind),
}

// rank is the place of a kind among them.
func rank(kind schema.GroupKind) int {
	return slices.IndexFunc(ranks, func(in func(schema.GroupKind) bool) bool { return in(kind) })
}

// runs reports that objects of a kind are pods, or have some.
func runs(kind schema.GroupKind) bool {
	return kind.Group == "apps" || is(podKind, replicationControllerKind, jobKind, cronJobKind)(kind)
}

func is(kinds ...schema.GroupKind) func(schema.GroupKind) bool {
	return func(kind schema.GroupKind) bool { return slices.Contains(kinds, kind) }
}

// controllerOf is the owner that manages an object; nil for none.
func controllerOf(o *unstructured.Unstructured) *metav1.OwnerReference {
	return metav1.GetControllerOfNoCopy(o)
}

// uidThen is the UID that an object of the cluster had in the snapshot from which it was restored; empty for one that was not.
func uidThen(now *unstructured.Unstructured) types.UID {
	return types.UID(now.GetAnnotations()[RestoredUID])
}

// phase is what the status of a namespace, claim or volume says of how it is.
func phase(o *unstructured.Unstructured) string {
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase") // one that is no string is none
	return phase
}

// textAt is a text in an object; empty where there is none.
func textAt(o *unstructured.Unstructured, path ...string) string {
	text, _, _ := unstructured.NestedString(o.Object, path...) // as above
	return text
}

func isReleased(volume *unstructured.Unstructured) bool {
	return phase(volume) == string(corev1.VolumeReleased)
}
