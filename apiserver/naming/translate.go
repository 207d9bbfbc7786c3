package naming

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
)

// needs reports whether meta names an API version that to spells otherwise.
func needs(meta metav1.Object, to apis.Naming) bool {
	for _, owner := range meta.GetOwnerReferences() {
		if ownerVersion(owner, to) != owner.APIVersion {
			return true
		}
	}
	for _, entry := range meta.GetManagedFields() {
		if fieldsVersion(entry, to) != entry.APIVersion {
			return true
		}
	}
	return false
}

// translate spells the API versions in meta as to does. The slices that meta held are left as they were.
func translate(meta metav1.Object, to apis.Naming) {
	owners := slices.Clone(meta.GetOwnerReferences())
	for i, owner := range owners {
		owners[i].APIVersion = ownerVersion(owner, to)
	}
	meta.SetOwnerReferences(owners)

	fields := slices.Clone(meta.GetManagedFields())
	for i, entry := range fields {
		fields[i].APIVersion = fieldsVersion(entry, to)
	}
	meta.SetManagedFields(fields)
}

// ownerVersion is the API version of an owner: it depends on the kind, since Secret, for one, has only one name.
func ownerVersion(owner metav1.OwnerReference, to apis.Naming) string {
	gv, err := schema.ParseGroupVersion(owner.APIVersion)
	if err != nil {
		return owner.APIVersion // another's mistake, kept as it is
	}
	return to.GroupVersionKind(gv.WithKind(owner.Kind)).GroupVersion().String()
}

// fieldsVersion is the API version that a managed fields entry of an object with two names was written under.
func fieldsVersion(entry metav1.ManagedFieldsEntry, to apis.Naming) string {
	gv, err := schema.ParseGroupVersion(entry.APIVersion)
	if err != nil || entry.APIVersion == "" {
		return entry.APIVersion
	}
	gv.Group = to.Group(gv.Group)
	return gv.String()
}
