package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

// completeVolumeBinding waits ten minutes for volumes, and prefers nodes where less of the capacity would be used.
func completeVolumeBinding(args *configv1.VolumeBindingArgs) {
	setDefault(&args.BindTimeoutSeconds, 600)
	if len(args.Shape) == 0 {
		args.Shape = []configv1.UtilizationShapePoint{
			{Utilization: 0, Score: maxPointScore}, {Utilization: 100, Score: 0},
		}
	}
}

func validateVolumeBinding(path *field.Path, args *configv1.VolumeBindingArgs) field.ErrorList {
	var errs field.ErrorList
	if *args.BindTimeoutSeconds < 0 {
		errs = append(errs, field.Invalid(path.Child("bindTimeoutSeconds"), *args.BindTimeoutSeconds, "must not be negative"))
	}
	return append(errs, validateShape(path.Child("shape"), args.Shape)...)
}

func completeDynamicResources(args *configv1.DynamicResourcesArgs) {
	setDefault(&args.FilterTimeout, metav1.Duration{Duration: configv1.DynamicResourcesFilterTimeoutDefault})
	setDefault(&args.BindingTimeout, metav1.Duration{Duration: configv1.DynamicResourcesBindingTimeoutDefault})
}

func validateDynamicResources(path *field.Path, args *configv1.DynamicResourcesArgs) field.ErrorList {
	var errs field.ErrorList
	if args.FilterTimeout.Duration < 0 {
		errs = append(errs, field.Invalid(path.Child("filterTimeout"), args.FilterTimeout.Duration.String(), "must be zero or positive"))
	}
	if args.BindingTimeout.Duration < time.Second {
		errs = append(errs, field.Invalid(path.Child("bindingTimeout"), args.BindingTimeout.Duration.String(), "must be at least 1 second"))
	}
	return errs
}
