// Package portset tells sets of ports of EndpointSlices apart.
//
// It promises that two lists have the same Key exactly if they have the same ports, in whatever order. It changes no list.
package portset

import (
	"fmt"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
)

// Key is the same for the same ports in any order.
func Key(ports []discoveryv1.EndpointPort) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = fmt.Sprintf("%s/%d/%s/%s", ptr.Deref(p.Name, ""), ptr.Deref(p.Port, 0), ptr.Deref(p.Protocol, ""), ptr.Deref(p.AppProtocol, "-"))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}
