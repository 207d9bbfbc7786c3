package differential

import (
	"fmt"
	"slices"
	"testing"
)

// seasoned are the subjects whose scenarios every run of the tests has; trials are those on which there may be differences that nobody
// has looked at yet, and that only `make test-differential` runs.
var (
	seasoned = []*subject{&deploymentSubject, &replicaSetSubject, &replicationControllerSubject, &statefulSetSubject, &daemonSetSubject, &rivalsSubject, &secondsSubject}
	trials   = []*subject{&jobSubject, &cronJobSubject, &budgetSubject, &quotaSubject, &serviceSubject, &ownersSubject, &namespaceSubject, &autoscalerSubject, &volumesSubject, &nodeSubject}
)

func TestControllersAgreeWithUpstream(t *testing.T) {
	subjects := seasoned
	if *all {
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
