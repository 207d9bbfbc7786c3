package endpoints

import "slices"

// Place is where traffic comes from, as hints of endpoints name it.
type Place struct {
	Node string
	// Zone is empty where the node has none, or is not known.
	Zone string
}

// Near are the endpoints that are meant for traffic of a place: those that hint at its node, else those that hint at its zone, else all:
// https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution
func Near(all []Endpoint, here Place) []Endpoint {
	if meant := hinted(all, here.Node, func(e Endpoint) []string { return e.Nodes }); len(meant) > 0 {
		return meant
	}
	if meant := hinted(all, here.Zone, func(e Endpoint) []string { return e.Zones }); len(meant) > 0 {
		return meant
	}
	return all
}

// hinted are the ready endpoints that hint at a place; none, if any that is ready has no hint: whoever wrote the hints did not know of
// it, and they may be far from right.
func hinted(all []Endpoint, at string, hints func(Endpoint) []string) []Endpoint {
	var meant []Endpoint
	for _, e := range all {
		switch {
		case !e.Ready:
		case len(hints(e)) == 0:
			return nil
		case slices.Contains(hints(e), at):
			meant = append(meant, e)
		}
	}
	return meant
}
