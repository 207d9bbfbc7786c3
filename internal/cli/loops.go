package cli

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/pflag"
)

// loopFlags say what control loops have to know of a cluster that it does not tell. 'orrery manager' runs them by it, and
// 'orrery plan' looks by the same flags at what it would do.
type loopFlags struct {
	selection   wiring.Selection
	cluster     bool
	clusterCIDR string
	rootCAFile  string
}

func (f *loopFlags) addFlags(flags *pflag.FlagSet) {
	addSelectionFlag(flags, &f.selection)
	flags.BoolVar(&f.cluster, "cluster-loops", false, "on a bare API server: also the loops of what every cluster has, which its own kube-controller-manager runs where somebody operates it: garbage collection, namespaces, service accounts (but for tokens in Secrets, which need the API server's key), the root CA, ClusterRole aggregation")
	flags.StringVar(&f.clusterCIDR, clusterCIDRFlag, "10.244.0.0/16", "`range` that nodes get their pod addresses from")
	flags.StringVar(&f.rootCAFile, "root-ca-file", "", "`file` with the certificates that pods trust the API server by, for --cluster-loops; by default those of the kubeconfig")
}

// The names of flags that others ask for.
const (
	clusterCIDRFlag = "cluster-cidr"
	selectionFlag   = "controllers"
)

// addSelectionFlag adds the flag that turns loops on and off.
func addSelectionFlag(flags *pflag.FlagSet, selection *wiring.Selection) {
	all, off := wiring.LoopNames()
	usage := "`names` of the loops that run, as kube-controller-manager takes them: * for all that are on by default, -NAME for all but that one. There are " +
		strings.Join(all, ", ")
	if len(off) > 0 {
		usage += "; off by default are " + strings.Join(off, ", ")
	}
	flags.Var(selection, selectionFlag, usage)
}

func (f *loopFlags) loops() (wiring.Loops, error) {
	cidr, err := netip.ParsePrefix(f.clusterCIDR)
	if err != nil {
		return wiring.Loops{}, fmt.Errorf("--cluster-cidr %q is not a range of addresses such as 10.244.0.0/16: %w", f.clusterCIDR, err)
	}
	loops := wiring.Loops{Selection: f.selection, Cluster: f.cluster, ClusterCIDRs: []netip.Prefix{cidr}}
	if f.rootCAFile != "" {
		if loops.RootCA, err = os.ReadFile(f.rootCAFile); err != nil {
			return wiring.Loops{}, fmt.Errorf("--root-ca-file: %w", err)
		}
	}
	return loops, nil
}
