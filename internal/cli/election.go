package cli

import (
	"os"
	"time"

	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// electionFlags are how managers agree on which of them acts, under kube-controller-manager's names and with its times.
//
// Without --leader-elect a manager begins at once, as one that kubebuilder scaffolds does: 'make run' is one process of a
// developer's, who may have no right to Leases, would otherwise act beside the manager in the cluster by standing by in silence,
// and after a kill would wait for the old lease to run out. Where several can run, as in config/manager, the flag is given.
type electionFlags struct {
	elect bool
	wiring.Election
}

func (f *electionFlags) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.elect, "leader-elect", false, "run only while this process holds the lease, so that several can stand by for each other")
	flags.DurationVar(&f.LeaseDuration, "leader-elect-lease-duration", 15*time.Second, "how long the others wait for a leader that does not renew the lease")
	flags.DurationVar(&f.RenewDeadline, "leader-elect-renew-deadline", 10*time.Second, "how long the leader tries to renew it before it ends; less than the lease lasts")
	flags.DurationVar(&f.RetryPeriod, "leader-elect-retry-period", 2*time.Second, "how long all of them wait between tries; those that stand by see at once when the lease is given up")
	flags.StringVar(&f.Name, "leader-elect-resource-name", "controllers.orrery.dev", "`name` of the lease")
	flags.StringVar(&f.Namespace, "leader-elect-resource-namespace", "", "`namespace` of the lease; by default that of the pod this runs in, or else kube-system")
}

// election is what the flags ask for; nil is to begin at once.
func (f *electionFlags) election() *wiring.Election {
	if !f.elect {
		return nil
	}
	e := f.Election
	if e.Namespace == "" && !inPod() {
		e.Namespace = metav1.NamespaceSystem
	}
	return &e
}

// podNamespaceFile tells a process that runs in a pod in which namespace that is.
const podNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// inPod reports that this process runs in a pod, whose namespace can be told.
func inPod() bool {
	_, err := os.Stat(podNamespaceFile)
	return err == nil
}
