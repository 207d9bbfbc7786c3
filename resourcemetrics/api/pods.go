package api

import (
	"cmp"
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/metrics/pkg/apis/metrics"

	"github.com/orrery-dev/orrery/resourcemetrics"
)

// podMetrics are the objects of pods.
type podMetrics struct{ *Metrics }

var _ storage = (*podMetrics)(nil)

func (*podMetrics) New() runtime.Object     { return &metrics.PodMetrics{} }
func (*podMetrics) NewList() runtime.Object { return &metrics.PodMetricsList{} }
func (*podMetrics) Destroy()                {}
func (*podMetrics) NamespaceScoped() bool   { return true }
func (*podMetrics) Kind() string            { return "PodMetrics" }
func (*podMetrics) GetSingularName() string { return "" }

// Get implements rest.Getter.
func (p *podMetrics) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	lister, err := p.list()
	if err != nil {
		return nil, err
	}
	key := types.NamespacedName{Namespace: genericapirequest.NamespaceValue(ctx), Name: name}
	pod, err := lister.Pod(ctx, key)
	if err != nil {
		return nil, err
	}
	if usage, known := p.source.Pod(key); known {
		return podObject(pod, usage), nil
	}
	return nil, apierrors.NewNotFound(metrics.Resource("podmetrics"), key.String())
}

// List implements rest.Lister.
func (p *podMetrics) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	lister, err := p.list()
	if err != nil {
		return nil, err
	}
	byLabels, byFields := selectors(options)
	pods, err := lister.Pods(ctx, genericapirequest.NamespaceValue(ctx), byLabels)
	if err != nil {
		return nil, err
	}
	list := &metrics.PodMetricsList{Items: []metrics.PodMetrics{}}
	for i := range pods {
		key := types.NamespacedName{Namespace: pods[i].Namespace, Name: pods[i].Name}
		if usage, known := p.source.Pod(key); known && byFields.Matches(fieldsOf(&pods[i])) {
			list.Items = append(list.Items, *podObject(&pods[i], usage))
		}
	}
	slices.SortFunc(list.Items, func(a, b metrics.PodMetrics) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

func podObject(pod *metav1.ObjectMeta, usage resourcemetrics.PodUsage) *metrics.PodMetrics {
	object := &metrics.PodMetrics{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, CreationTimestamp: metav1.Now(),
		},
		Timestamp: metav1.NewTime(usage.Time), Window: metav1.Duration{Duration: usage.Window},
	}
	for _, c := range usage.Containers {
		object.Containers = append(object.Containers, metrics.ContainerMetrics{Name: c.Name, Usage: c.Resources})
	}
	return object
}
