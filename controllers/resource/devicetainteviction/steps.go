package devicetainteviction

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/types"
)

// count counts a pod that was evicted, for the status of the rules that did it. It stands behind the deletion.
type count struct {
	counted *devicetaints.Evictions
	rules   []types.UID
}

var _ plan.Step = count{}

// Verb is "count".
func (count) Verb() string { return "count" }

// Why is what the count is for.
func (count) Why() string { return "their status tells how many they have evicted" }

func (c count) String() string {
	return fmt.Sprintf("count the pod for %d DeviceTaintRules", len(c.rules))
}

// Do counts the pod.
func (c count) Do(context.Context, plan.Actor) error {
	c.counted.Count(c.rules)
	return nil
}
