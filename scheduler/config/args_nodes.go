package config

import (
	"fmt"
	"strings"

	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

func validateNodeAffinity(path *field.Path, args *configv1.NodeAffinityArgs) field.ErrorList {
	var errs field.ErrorList
	if args.AddedAffinity == nil {
		return nil
	}
	path = path.Child("addedAffinity")
	if required := args.AddedAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		path := path.Child("requiredDuringSchedulingIgnoredDuringExecution")
		if _, err := nodeaffinity.NewNodeSelector(required); err != nil {
			errs = append(errs, field.Invalid(path, required, err.Error()))
		}
	}
	if preferred := args.AddedAffinity.PreferredDuringSchedulingIgnoredDuringExecution; len(preferred) > 0 {
		path := path.Child("preferredDuringSchedulingIgnoredDuringExecution")
		if _, err := nodeaffinity.NewPreferredSchedulingTerms(preferred); err != nil {
			errs = append(errs, field.Invalid(path, preferred, err.Error()))
		}
	}
	return errs
}

func completeFit(args *configv1.NodeResourcesFitArgs) {
	if args.ScoringStrategy == nil {
		args.ScoringStrategy = &configv1.ScoringStrategy{Type: configv1.LeastAllocated}
	}
	completeResources(&args.ScoringStrategy.Resources)
}

func completeBalanced(args *configv1.NodeResourcesBalancedAllocationArgs) {
	completeResources(&args.Resources)
}

// completeResources scores by CPU and memory where nothing is said, and a resource without a weight by 1.
func completeResources(resources *[]configv1.ResourceSpec) {
	if len(*resources) == 0 {
		*resources = []configv1.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}}
	}
	for i := range *resources {
		if (*resources)[i].Weight == 0 {
			(*resources)[i].Weight = 1
		}
	}
}

func validateFit(path *field.Path, args *configv1.NodeResourcesFitArgs) field.ErrorList {
	var errs field.ErrorList
	for i, resource := range args.IgnoredResources {
		errs = append(errs, metav1validation.ValidateLabelName(resource, path.Child("ignoredResources").Index(i))...)
	}
	for i, group := range args.IgnoredResourceGroups {
		path := path.Child("ignoredResourceGroups").Index(i)
		if strings.Contains(group, "/") {
			errs = append(errs, field.Invalid(path, group, "resource group name can't contain '/'"))
		}
		errs = append(errs, metav1validation.ValidateLabelName(group, path)...)
	}
	return append(errs, validateStrategy(path.Child("scoringStrategy"), args.ScoringStrategy)...)
}

func validateStrategy(path *field.Path, strategy *configv1.ScoringStrategy) field.ErrorList {
	var errs field.ErrorList
	ratio := path.Child("requestedToCapacityRatio")
	switch strategy.Type {
	case configv1.RequestedToCapacityRatio:
		if strategy.RequestedToCapacityRatio == nil {
			errs = append(errs, field.Required(ratio, "must be specified when type is RequestedToCapacityRatio"))
		} else {
			errs = append(errs, validateShape(ratio.Child("shape"), strategy.RequestedToCapacityRatio.Shape)...)
		}
	case configv1.LeastAllocated, configv1.MostAllocated:
		if strategy.RequestedToCapacityRatio != nil {
			errs = append(errs, field.Forbidden(ratio, "must be nil when type is not RequestedToCapacityRatio"))
		}
	default:
		errs = append(errs, field.NotSupported(path.Child("type"), strategy.Type,
			[]configv1.ScoringStrategyType{configv1.LeastAllocated, configv1.MostAllocated, configv1.RequestedToCapacityRatio}))
	}
	for i, resource := range strategy.Resources {
		if resource.Weight <= 0 || resource.Weight > 100 {
			errs = append(errs, field.Invalid(path.Child("resources").Index(i).Child("weight"), resource.Weight,
				fmt.Sprintf("resource weight of %v not in valid range (0, 100]", resource.Name)))
		}
	}
	return errs
}

// maxPointScore is the score of a point in a shape that stands for the best.
const maxPointScore = 10

// validateShape checks a function from utilization to score that is given by points.
func validateShape(path *field.Path, shape []configv1.UtilizationShapePoint) field.ErrorList {
	if len(shape) == 0 {
		return field.ErrorList{field.Required(path, "at least one point must be specified")}
	}
	var errs field.ErrorList
	for i, point := range shape {
		path := path.Index(i)
		if i > 0 && shape[i-1].Utilization >= point.Utilization {
			errs = append(errs, field.Invalid(path.Child("utilization"), point.Utilization, "values must be sorted in increasing order"))
		}
		if point.Utilization < 0 || point.Utilization > 100 {
			errs = append(errs, field.Invalid(path.Child("utilization"), point.Utilization, "not in valid range [0, 100]"))
		}
		if point.Score < 0 || point.Score > maxPointScore {
			errs = append(errs, field.Invalid(path.Child("score"), point.Score, "not in valid range [0, 10]"))
		}
	}
	return errs
}

func validateBalanced(path *field.Path, args *configv1.NodeResourcesBalancedAllocationArgs) field.ErrorList {
	var errs field.ErrorList
	path = path.Child("resources")
	seen := map[string]bool{}
	for i, resource := range args.Resources {
		if seen[resource.Name] {
			errs = append(errs, field.Duplicate(path.Index(i).Child("name"), resource.Name))
		}
		seen[resource.Name] = true
		if resource.Weight != 1 {
			errs = append(errs, field.Invalid(path.Index(i).Child("weight"), resource.Weight, "must be 1"))
		}
	}
	return errs
}
