// Package price is a scheduling plugin that prefers cheap nodes, and refuses those that cost too much.
//
// It is written against k8s.io/kube-scheduler/framework alone, and runs in kube-scheduler as it does in Orrery's scheduler.
package price

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in a KubeSchedulerConfiguration.
const Name = "Price"

// Annotation of a node is its price per hour, as in "0.35". A node without it costs nothing.
const Annotation = "example.com/price"

// Args are the plugin's arguments in a KubeSchedulerConfiguration.
type Args struct {
	// MaxPrice is what a node may cost. 0 means any price.
	MaxPrice float64 `json:"maxPrice"`
}

// Plugin knows what a node may cost.
type Plugin struct{ args Args }

var (
	_ fwk.FilterPlugin    = &Plugin{}
	_ fwk.ScorePlugin     = &Plugin{}
	_ fwk.ScoreExtensions = &Plugin{}
)

// New builds the plugin. Its arguments come as they were written, because no scheduler knows their type.
func New(_ context.Context, args runtime.Object, _ fwk.Handle) (fwk.Plugin, error) {
	plugin := &Plugin{}
	if raw, ok := args.(*runtime.Unknown); ok && len(raw.Raw) > 0 {
		if err := json.Unmarshal(raw.Raw, &plugin.args); err != nil {
			return nil, fmt.Errorf("reading the arguments of %s: %w", Name, err)
		}
	}
	if plugin.args.MaxPrice < 0 {
		return nil, fmt.Errorf("maxPrice of %s is %v: it must not be negative", Name, plugin.args.MaxPrice)
	}
	return plugin, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// Filter refuses a node that costs too much. The departure of other pods would not make it cheaper.
func (p *Plugin) Filter(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	price, err := priceOf(node.Node())
	if err != nil {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	if p.args.MaxPrice > 0 && price > p.args.MaxPrice {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("node(s) cost more than %v an hour", p.args.MaxPrice))
	}
	return nil
}

// Score is the price in thousandths; NormalizeScore makes the cheapest the best.
func (p *Plugin) Score(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	price, err := priceOf(node.Node())
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return int64(math.Round(price * 1000)), nil
}

// ScoreExtensions returns the plugin itself.
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore maps the dearest node to 0 and one that costs nothing to 100.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	var dearest int64 = 1
	for _, score := range scores {
		dearest = max(dearest, score.Score)
	}
	for i := range scores {
		scores[i].Score = fwk.MaxScore - fwk.MaxScore*scores[i].Score/dearest
	}
	return nil
}

// EventsToRegister asks for another try when a node has come or its annotations have changed.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAnnotation}},
	}, nil
}

func priceOf(node *corev1.Node) (float64, error) {
	text, priced := node.Annotations[Annotation]
	if !priced {
		return 0, nil
	}
	price, err := strconv.ParseFloat(text, 64)
	if err != nil || price < 0 {
		return 0, fmt.Errorf("node(s) had a price that is no number")
	}
	return price, nil
}
