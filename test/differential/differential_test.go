package differential

import (
	"fmt"
	"slices"
	"testing"
)

// seasoned are the subjects whose scenarios every run of the tests has; trials are those on which there may be differences that nobody
// has looked at yet, and that only `make test-differential` runs.
var (
	seasoned = []*subject{
		&deploymentSubject, &replicaSetSubject, &replicationControllerSubject, &statefulSetSubject, &daemonSetSubject,
		&jobSubject, &budgetSubject, &serviceSubject, &ownersSubject, &rivalsSubject, &secondsSubject,
	}
	trials = []*subject{&cronJobSubject, &quotaSubject, &namespaceSubject, &autoscalerSubject, &volumesSubject}
)

func TestControllersAgreeWithUpstream(t *testing.T) {
	subjects := seasoned
	switch {
	case *nodes:
		subjects = []*subject{&nodeSubject}
	case *all:
		subjects = slices.Concat(seasoned, trials)
	}
	for _, subject := range subjects {
		t.Run(subject.name, func(t *testing.T) {
			t.Parallel()
			for seed := *first; seed < *first+*seeds; seed++ {
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					t.Parallel()
					run(t, subject, seed)
				})
			}
		})
	}
}
