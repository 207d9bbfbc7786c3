package noderesourcesfit

import (
	"fmt"
	"math"

	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

// maxShapeScore is the largest score in a configured shape, which stands for a node score of 100.
const maxShapeScore = 10

// strategy scores the resources of a node.
type strategy func([]resources.Allocation) int64

func newStrategy(config *configv1.ScoringStrategy) (strategy, error) {
	switch config.Type {
	case configv1.LeastAllocated:
		return leastAllocated, nil
	case configv1.MostAllocated:
		return mostAllocated, nil
	case configv1.RequestedToCapacityRatio:
		if config.RequestedToCapacityRatio == nil || len(config.RequestedToCapacityRatio.Shape) == 0 {
			return nil, fmt.Errorf("scoringStrategy.requestedToCapacityRatio.shape is required for type %s", config.Type)
		}
		return shape(config.RequestedToCapacityRatio.Shape).score, nil
	}
	return nil, fmt.Errorf("scoringStrategy.type %q is none of %s, %s and %s", config.Type,
		configv1.LeastAllocated, configv1.MostAllocated, configv1.RequestedToCapacityRatio)
}

// leastAllocated is the average of what is free, in hundredths.
func leastAllocated(allocations []resources.Allocation) int64 {
	return weightedAverage(allocations, func(a resources.Allocation) int64 {
		if a.After > a.Allocatable {
			return 0
		}
		return (a.Allocatable - a.After) * fwk.MaxScore / a.Allocatable
	})
}

// mostAllocated is the average of what is taken, in hundredths. Pods without requests count as small ones, so that more
// than everything can seem to be taken.
func mostAllocated(allocations []resources.Allocation) int64 {
	return weightedAverage(allocations, func(a resources.Allocation) int64 {
		return min(a.After, a.Allocatable) * fwk.MaxScore / a.Allocatable
	})
}

func weightedAverage(allocations []resources.Allocation, score func(resources.Allocation) int64) int64 {
	var sum, weights int64
	for _, allocation := range allocations {
		if allocation.Allocatable == 0 {
			continue
		}
		sum += score(allocation) * allocation.Weight
		weights += allocation.Weight
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

// shape is a function of utilization: straight lines between points, level before the first and after the last.
type shape []configv1.UtilizationShapePoint

// score is the average of the function's values; a resource whose value is 0 is left out of it.
func (s shape) score(allocations []resources.Allocation) int64 {
	var sum, weights int64
	for _, allocation := range allocations {
		if allocation.Allocatable == 0 {
			continue
		}
		utilization := int64(100)
		if allocation.After <= allocation.Allocatable {
			utilization = allocation.After * 100 / allocation.Allocatable
		}
		if value := s.at(utilization); value > 0 {
			sum += value * allocation.Weight
			weights += allocation.Weight
		}
	}
	if weights == 0 {
		return 0
	}
	return int64(math.Round(float64(sum) / float64(weights)))
}

func (s shape) at(utilization int64) int64 {
	for i, point := range s {
		if utilization > int64(point.Utilization) {
			continue
		}
		if i == 0 {
			return nodeScore(point)
		}
		from, to := s[i-1], point
		rise := (nodeScore(to) - nodeScore(from)) * (utilization - int64(from.Utilization))
		return nodeScore(from) + rise/int64(to.Utilization-from.Utilization)
	}
	return nodeScore(s[len(s)-1])
}

func nodeScore(point configv1.UtilizationShapePoint) int64 {
	return int64(point.Score) * (fwk.MaxScore / maxShapeScore)
}
