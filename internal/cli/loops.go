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
	selection    wiring.Selection
	cluster      bool
	clusterCIDR  string
	serviceCIDR  string
	maskSizeIPv4 int
	maskSizeIPv6 int
	rootCAFile   string
	autoscaling  autoscalingFlags
}

func (f *loopFlags) addFlags(flags *pflag.FlagSet) {
	addSelectionFlag(flags, &f.selection)
	flags.BoolVar(&f.cluster, "cluster-loops", false, "on a bare API server: also the loops of what every cluster has, which its own kube-controller-manager runs where somebody operates it: garbage collection, namespaces, service accounts (but for tokens in Secrets, which need the API server's key), the root CA, ClusterRole aggregation")
	flags.StringVar(&f.clusterCIDR, clusterCIDRFlag, "10.244.0.0/16", "`range` that nodes get their pod addresses from, or two with a comma, of which one is IPv4 and one IPv6")
	flags.IntVar(&f.maskSizeIPv4, "node-cidr-mask-size-ipv4", 24, "`length` of the prefix that a node gets of an IPv4 range")
	flags.IntVar(&f.maskSizeIPv6, "node-cidr-mask-size-ipv6", 64, "`length` of the prefix that a node gets of an IPv6 range")
	flags.StringVar(&f.serviceCIDR, serviceCIDRFlag, "", "`range` of Services, or two with a comma, of which no node gets a part where they lie in --cluster-cidr")
	f.autoscaling.addFlags(flags)
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
	pods, err := ranges(clusterCIDRFlag, f.clusterCIDR)
	if err != nil {
		return wiring.Loops{}, err
	}
	services, err := ranges(serviceCIDRFlag, f.serviceCIDR)
	if err != nil {
		return wiring.Loops{}, err
	}
	if err := f.autoscaling.check(); err != nil {
		return wiring.Loops{}, err
	}
	loops := wiring.Loops{
		Selection: f.selection, Cluster: f.cluster, Autoscaling: f.autoscaling.options(),
		ClusterCIDRs: pods, ServiceCIDRs: services, NodeCIDRMaskSizeIPv4: f.maskSizeIPv4, NodeCIDRMaskSizeIPv6: f.maskSizeIPv6,
	}
	if f.rootCAFile != "" {
		if loops.RootCA, err = os.ReadFile(f.rootCAFile); err != nil {
			return wiring.Loops{}, fmt.Errorf("--root-ca-file: %w", err)
		}
	}
	return loops, nil
}

// commaed are ranges as a flag takes them.
func commaed(ranges []netip.Prefix) string {
	return strings.Join(texts(ranges), ",")
}

// ranges are those that a flag names, with commas between them; none where it is empty.
func ranges(flag, value string) ([]netip.Prefix, error) {
	if value == "" {
		return nil, nil
	}
	var prefixes []netip.Prefix
	for text := range strings.SplitSeq(value, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--%s %q is not a range of addresses such as 10.244.0.0/16, or two with a comma: %w", flag, value, err)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}
