package nodettl

import (
	"math"
	"slices"
)

// tier is a size of clusters.
type tier struct {
	// least and most are how many nodes a cluster of this size has.
	least, most int
	// seconds is what its nodes are told.
	seconds string
}

// tiers are the sizes that Kubernetes knows, from small to large. Each overlaps the one before it.
var tiers = []tier{
	{0, 100, "0"},
	{90, 500, "15"},
	{450, 1000, "30"},
	{900, 2000, "60"},
	{1800, math.MaxInt, "300"},
}

// tierOf is the tier of a cluster of n nodes that was of the tier with the number present before; -1 is one that was of none. It
// leaves that tier only when it does not fit any more.
func tierOf(n, present int) int {
	present = max(present, 0)
	for n > tiers[present].most {
		present++
	}
	for n < tiers[present].least {
		present--
	}
	return present
}

// present is the number of the tier whose seconds most of some nodes have been told, the lowest of several; -1 if none has been told
// any.
func present(told []string) int {
	count := make([]int, len(tiers))
	for _, seconds := range told {
		if i := slices.IndexFunc(tiers, func(t tier) bool { return t.seconds == seconds }); i >= 0 {
			count[i]++
		}
	}
	if most := slices.Max(count); most > 0 {
		return slices.Index(count, most)
	}
	return -1
}
