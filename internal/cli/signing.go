package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/pflag"
	"k8s.io/utils/clock"
)

// signingFlags name the authority by which a manager has requested certificates signed, as kube-controller-manager's do.
type signingFlags struct {
	certFile, keyFile string
	duration          time.Duration
}

func (f *signingFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.certFile, "cluster-signing-cert-file", "", "`file` with the certificate of the authority by which requested certificates are signed, for --cluster-loops; without it they are not")
	flags.StringVar(&f.keyFile, "cluster-signing-key-file", "", "`file` with the key of that authority; both are read again when they are needed")
	flags.DurationVar(&f.duration, "cluster-signing-duration", 365*24*time.Hour, "how long a requested certificate is good for at most")
}

// apply gives the loops of a cluster the authority. Without the flags they have none, and the log says so.
func (f *signingFlags) apply(cluster *wiring.Cluster, loops *wiring.Loops) error {
	named := f.certFile != ""
	switch {
	case named != (f.keyFile != ""):
		return errors.New("--cluster-signing-cert-file and --cluster-signing-key-file belong together: give both or none")
	case named && !loops.Cluster:
		return errors.New("--cluster-signing-cert-file is for a manager that signs requested certificates: give --cluster-loops as well")
	case f.duration <= 0:
		return fmt.Errorf("--cluster-signing-duration %s is over before it begins: give a time such as 8760h", f.duration)
	case !named && loops.Cluster:
		logger().Info("Requested certificates are not signed: that takes --cluster-signing-cert-file and --cluster-signing-key-file")
		return nil
	case !named:
		return nil
	}
	authority, err := pki.OpenPair(f.certFile, f.keyFile, clock.RealClock{})
	if err != nil {
		return fmt.Errorf("--cluster-signing-cert-file and --cluster-signing-key-file: %w", err)
	}
	cluster.SignCertificate, loops.SigningDuration = authority.Issue, f.duration
	return nil
}
