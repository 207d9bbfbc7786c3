package config

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

// validateExtenders checks the HTTP extenders, which all profiles share.
func validateExtenders(path *field.Path, extenders []configv1.Extender) field.ErrorList {
	var errs field.ErrorList
	binder := -1
	managed := map[string]bool{}
	for i, extender := range extenders {
		path := path.Index(i)
		if extender.PrioritizeVerb != "" && extender.Weight <= 0 {
			errs = append(errs, field.Invalid(path.Child("weight"), extender.Weight, "must be greater than 0, because prioritizeVerb is set"))
		}
		if extender.BindVerb != "" {
			if binder >= 0 {
				errs = append(errs, field.Forbidden(path.Child("bindVerb"), "only one extender can bind, and one before this does"))
			}
			binder = i
		}
		for j, resource := range extender.ManagedResources {
			path := path.Child("managedResources").Index(j).Child("name")
			errs = append(errs, validateExtended(path, resource.Name)...)
			if managed[resource.Name] {
				errs = append(errs, field.Duplicate(path, resource.Name))
			}
			managed[resource.Name] = true
		}
	}
	return errs
}

// validateExtended checks that a name is that of an extended resource.
func validateExtended(path *field.Path, name string) field.ErrorList {
	var errs field.ErrorList
	for _, message := range validation.IsQualifiedName(name) {
		errs = append(errs, field.Invalid(path, name, message))
	}
	if len(errs) == 0 && !resources.IsExtended(corev1.ResourceName(name)) {
		errs = append(errs, field.Invalid(path, name, "must be an extended resource, such as example.com/device"))
	}
	return errs
}
