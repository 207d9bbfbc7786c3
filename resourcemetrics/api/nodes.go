package api

import (
	"cmp"
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/metrics/pkg/apis/metrics"

	"github.com/orrery-dev/orrery/resourcemetrics"
)

// nodeMetrics are the objects of nodes.
type nodeMetrics struct{ *Metrics }

var _ storage = (*nodeMetrics)(nil)

// storage is what an API server needs to serve a resource that can be read, and not watched.
type storage interface {
	rest.Storage
	rest.Scoper
	rest.KindProvider
	rest.SingularNameProvider
	rest.Getter
	rest.Lister
}

func (*nodeMetrics) New() runtime.Object     { return &metrics.NodeMetrics{} }
func (*nodeMetrics) NewList() runtime.Object { return &metrics.NodeMetricsList{} }
func (*nodeMetrics) Destroy()                {}
func (*nodeMetrics) NamespaceScoped() bool   { return false }
func (*nodeMetrics) Kind() string            { return "NodeMetrics" }
func (*nodeMetrics) GetSingularName() string { return "" }

// Get implements rest.Getter.
func (n *nodeMetrics) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	lister, err := n.list()
	if err != nil {
		return nil, err
	}
	node, err := lister.Node(ctx, name)
	if err != nil {
		return nil, err
	}
	if usage, known := n.source.Node(name); known {
		return nodeObject(node, usage), nil
	}
	return nil, apierrors.NewNotFound(metrics.Resource("nodemetrics"), name)
}

// List implements rest.Lister.
func (n *nodeMetrics) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	lister, err := n.list()
	if err != nil {
		return nil, err
	}
	byLabels, byFields := selectors(options)
	nodes, err := lister.Nodes(ctx, byLabels)
	if err != nil {
		return nil, err
	}
	list := &metrics.NodeMetricsList{Items: []metrics.NodeMetrics{}}
	for i := range nodes {
		if usage, known := n.source.Node(nodes[i].Name); known && byFields.Matches(fieldsOf(&nodes[i])) {
			list.Items = append(list.Items, *nodeObject(&nodes[i], usage))
		}
	}
	slices.SortFunc(list.Items, func(a, b metrics.NodeMetrics) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func nodeObject(node *metav1.ObjectMeta, usage resourcemetrics.Usage) *metrics.NodeMetrics {
	return &metrics.NodeMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: node.Labels, CreationTimestamp: metav1.Now()},
		Timestamp:  metav1.NewTime(usage.Time), Window: metav1.Duration{Duration: usage.Window}, Usage: usage.Resources,
	}
}

// selectors are those of a list, which select everything if none are asked for.
func selectors(options *internalversion.ListOptions) (labels.Selector, fields.Selector) {
	byLabels, byFields := labels.Everything(), fields.Everything()
	if options != nil && options.LabelSelector != nil {
		byLabels = options.LabelSelector
	}
	if options != nil && options.FieldSelector != nil {
		byFields = options.FieldSelector
	}
	return byLabels, byFields
}

// fieldsOf are the fields that can be selected by.
func fieldsOf(meta *metav1.ObjectMeta) fields.Set {
	set := fields.Set{"metadata.name": meta.Name}
	if meta.Namespace != "" {
		set["metadata.namespace"] = meta.Namespace
	}
	return set
}
