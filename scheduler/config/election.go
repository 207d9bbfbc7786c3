package config

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/leaderelection"
	componentconfigv1alpha1 "k8s.io/component-base/config/v1alpha1"
)

// validateLeaderElection checks the settings of leader election where there is one.
func validateLeaderElection(path *field.Path, election *componentconfigv1alpha1.LeaderElectionConfiguration) field.ErrorList {
	if !*election.LeaderElect {
		return nil
	}
	var errs field.ErrorList
	for _, each := range []struct {
		name  string
		value metav1.Duration
	}{
		{"leaseDuration", election.LeaseDuration}, {"renewDeadline", election.RenewDeadline}, {"retryPeriod", election.RetryPeriod},
	} {
		if each.value.Duration <= 0 {
			errs = append(errs, field.Invalid(path.Child(each.name), each.value.Duration.String(), "must be greater than zero"))
		}
	}
	if election.LeaseDuration.Duration <= election.RenewDeadline.Duration {
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), election.LeaseDuration.Duration.String(), "must be greater than renewDeadline"))
	}
	if float64(election.RenewDeadline.Duration) <= leaderelection.JitterFactor*float64(election.RetryPeriod.Duration) {
		errs = append(errs, field.Invalid(path.Child("renewDeadline"), election.RenewDeadline.Duration.String(),
			fmt.Sprintf("must be greater than %v times retryPeriod", leaderelection.JitterFactor)))
	}
	if election.ResourceLock != "leases" {
		errs = append(errs, field.NotSupported(path.Child("resourceLock"), election.ResourceLock, []string{"leases"}))
	}
	return errs
}
