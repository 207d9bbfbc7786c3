package config

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

// completePreemption examines a tenth of the nodes, and at least 100.
func completePreemption(args *configv1.DefaultPreemptionArgs) {
	setDefault(&args.MinCandidateNodesPercentage, 10)
	setDefault(&args.MinCandidateNodesAbsolute, 100)
}

func validatePreemption(path *field.Path, args *configv1.DefaultPreemptionArgs) field.ErrorList {
	var errs field.ErrorList
	percentagePath, absolutePath := path.Child("minCandidateNodesPercentage"), path.Child("minCandidateNodesAbsolute")
	percentage, absolute := *args.MinCandidateNodesPercentage, *args.MinCandidateNodesAbsolute
	if percentage < 0 || percentage > 100 {
		errs = append(errs, field.Invalid(percentagePath, percentage, "not in valid range [0, 100]"))
	}
	if absolute < 0 {
		errs = append(errs, field.Invalid(absolutePath, absolute, "not in valid range [0, inf)"))
	}
	if percentage == 0 && absolute == 0 {
		errs = append(errs, field.Invalid(percentagePath, percentage, "cannot be zero at the same time as minCandidateNodesAbsolute"))
	}
	return errs
}

func completeInterPodAffinity(args *configv1.InterPodAffinityArgs) {
	setDefault(&args.HardPodAffinityWeight, 1)
}

func validateInterPodAffinity(path *field.Path, args *configv1.InterPodAffinityArgs) field.ErrorList {
	weight := *args.HardPodAffinityWeight
	if weight < 0 || weight > 100 {
		return field.ErrorList{field.Invalid(path.Child("hardPodAffinityWeight"), weight, "not in valid range [0, 100]")}
	}
	return nil
}

// completeSpread spreads pods that say nothing by the defaults of the system, which are known to the plugin.
func completeSpread(args *configv1.PodTopologySpreadArgs) {
	if args.DefaultingType == "" {
		args.DefaultingType = configv1.SystemDefaulting
	}
}

func validateSpread(path *field.Path, args *configv1.PodTopologySpreadArgs) field.ErrorList {
	var errs field.ErrorList
	kind := path.Child("defaultingType")
	switch args.DefaultingType {
	case configv1.ListDefaulting:
	case configv1.SystemDefaulting:
		if len(args.DefaultConstraints) > 0 {
			errs = append(errs, field.Invalid(kind, args.DefaultingType, "must be List where defaultConstraints are given"))
		}
	default:
		errs = append(errs, field.NotSupported(kind, args.DefaultingType,
			[]configv1.PodTopologySpreadConstraintsDefaulting{configv1.SystemDefaulting, configv1.ListDefaulting}))
	}
	path = path.Child("defaultConstraints")
	for i, constraint := range args.DefaultConstraints {
		errs = append(errs, validateConstraint(path.Index(i), constraint)...)
		same := func(other corev1.TopologySpreadConstraint) bool {
			return other.TopologyKey == constraint.TopologyKey && other.WhenUnsatisfiable == constraint.WhenUnsatisfiable
		}
		if slices.ContainsFunc(args.DefaultConstraints[:i], same) {
			errs = append(errs, field.Duplicate(path.Index(i), fmt.Sprintf("{%s, %s}", constraint.TopologyKey, constraint.WhenUnsatisfiable)))
		}
	}
	return errs
}

func validateConstraint(path *field.Path, constraint corev1.TopologySpreadConstraint) field.ErrorList {
	var errs field.ErrorList
	if constraint.MaxSkew <= 0 {
		errs = append(errs, field.Invalid(path.Child("maxSkew"), constraint.MaxSkew, "not in valid range (0, inf)"))
	}
	if constraint.TopologyKey == "" {
		errs = append(errs, field.Required(path.Child("topologyKey"), "can not be empty"))
	} else {
		errs = append(errs, metav1validation.ValidateLabelName(constraint.TopologyKey, path.Child("topologyKey"))...)
	}
	switch constraint.WhenUnsatisfiable {
	case corev1.DoNotSchedule, corev1.ScheduleAnyway:
	default:
		errs = append(errs, field.NotSupported(path.Child("whenUnsatisfiable"), constraint.WhenUnsatisfiable,
			[]corev1.UnsatisfiableConstraintAction{corev1.DoNotSchedule, corev1.ScheduleAnyway}))
	}
	if constraint.LabelSelector != nil {
		errs = append(errs, field.Forbidden(path.Child("labelSelector"), "the selector is deduced for each pod"))
	}
	return errs
}
