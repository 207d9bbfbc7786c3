package differential

import (
	"fmt"
	"testing"
)

var subjects = []*subject{&deploymentSubject, &replicaSetSubject, &replicationControllerSubject, &statefulSetSubject, &daemonSetSubject,
	&jobSubject, &cronJobSubject, &budgetSubject, &quotaSubject, &serviceSubject, &ownersSubject, &namespaceSubject,
}

func TestControllersAgreeWithUpstream(t *testing.T) {
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
