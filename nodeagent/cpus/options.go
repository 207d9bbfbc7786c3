package cpus

import (
	"fmt"
	"strconv"

	"k8s.io/utils/cpuset"
)

// The policies, by the kubelet's names.
const (
	None   = "none"
	Static = "static"
)

// Options are those of the static policy.
type Options struct {
	// FullCores gives whole cores only (full-pcpus-only).
	FullCores bool
	// Distribute takes CPUs evenly from NUMA nodes, where one of them does not have enough (distribute-cpus-across-numa).
	Distribute bool
	// StrictReservation: CPUs that are reserved are not shared either (strict-cpu-reservation).
	StrictReservation bool
	// AlignByCache prefers CPUs that share a last-level cache (prefer-align-cpus-by-uncorecache).
	AlignByCache bool
}

// ParseOptions reads cpuManagerPolicyOptions. Those that are of alpha level in the kubelet are unknown, as they are to it by default.
func ParseOptions(texts map[string]string) (o Options, err error) {
	known := map[string]*bool{
		"full-pcpus-only": &o.FullCores, "distribute-cpus-across-numa": &o.Distribute, "strict-cpu-reservation": &o.StrictReservation,
		"prefer-align-cpus-by-uncorecache": &o.AlignByCache,
	}
	for name, text := range texts {
		into := known[name]
		if into == nil {
			return o, fmt.Errorf("cpuManagerPolicyOptions: %s: there is no such option, or it is of alpha level", name)
		}
		if *into, err = strconv.ParseBool(text); err != nil {
			return o, fmt.Errorf("cpuManagerPolicyOptions: %s: %q: want true or false", name, text)
		}
	}
	if o.AlignByCache && o.Distribute {
		return o, fmt.Errorf("cpuManagerPolicyOptions: prefer-align-cpus-by-uncorecache and distribute-cpus-across-numa exclude each other")
	}
	return o, nil
}

// ParseReserved reads reservedSystemCPUs: a list such as 0-1,8.
func ParseReserved(text string) (cpuset.CPUSet, error) {
	set, err := cpuset.Parse(text)
	if err != nil {
		return set, fmt.Errorf("reservedSystemCPUs: %q: want a list of CPUs, as in 0-1,8", text)
	}
	return set, nil
}
