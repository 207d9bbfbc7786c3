package cli

import (
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/loadbalancer"
	"github.com/spf13/pflag"
	cloudprovider "k8s.io/cloud-provider"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// loadBalancerOptions are what a person can choose about load balancers.
type loadBalancerOptions struct {
	// ranges are those of their addresses; empty means that of the instance, and noPool that there are none.
	ranges string
}

// poolFlag is the flag by which they are chosen.
const poolFlag = "load-balancer-pool"

// noPool is the word for no load balancers.
const noPool = "off"

func (o *loadBalancerOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.ranges, poolFlag, "", "`ranges` that Services of type LoadBalancer get their addresses from, as in 192.168.1.240/28 or 192.168.1.240-192.168.1.250, with commas between several; by default one of the instance's own, which this machine and pods reach. With "+noPool+" they get none from here, which is for load balancers of somebody else; one that has an address of the instance's own goes as ever, but one that has another is to be deleted before, for nobody takes back the finalizer then")
}

func (o *loadBalancerOptions) check() error {
	_, err := o.pool()
	return err
}

// pool is the addresses; own are the ranges to take if none was chosen.
func (o *loadBalancerOptions) pool(own ...netip.Prefix) (loadbalancer.Pool, error) {
	if o.ranges == "" && len(own) > 0 {
		return loadbalancer.PoolOf(own...), nil
	}
	if o.ranges == "" || o.ranges == noPool {
		return loadbalancer.Pool{}, nil
	}
	pool, err := loadbalancer.ParsePool(o.ranges)
	if err != nil {
		return pool, fmt.Errorf("--%s: %w, or %s", poolFlag, err, noPool)
	}
	return pool, nil
}

// balancer gives out the addresses of the pool; where there is none it only takes back those of the instance's own.
func (o *loadBalancerOptions) balancer(a instance.Addresses) func(client.Reader) cloudprovider.LoadBalancer {
	if o.ranges == noPool {
		return loadbalancer.Retired(loadbalancer.PoolOf(balancerRanges(a)...)).For
	}
	pool, err := o.pool(balancerRanges(a)...)
	if err != nil { // it has been told by check
		return nil
	}
	return loadbalancer.New(pool).For
}
