package api

import (
	"context"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/metrics"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/orrery-dev/orrery/resourcemetrics"
)

// Lister knows which nodes and pods there are, and their labels.
type Lister interface {
	Node(ctx context.Context, name string) (*metav1.ObjectMeta, error)
	Nodes(ctx context.Context, selector labels.Selector) ([]metav1.ObjectMeta, error)
	Pod(ctx context.Context, name types.NamespacedName) (*metav1.ObjectMeta, error)
	Pods(ctx context.Context, namespace string, selector labels.Selector) ([]metav1.ObjectMeta, error)
}

// Source knows what nodes and pods use; false says that it does not know it of one.
type Source interface {
	Node(name string) (resourcemetrics.Usage, bool)
	Pod(name types.NamespacedName) (resourcemetrics.PodUsage, bool)
}

// Metrics answers for the group.
type Metrics struct {
	source Source
	lister atomic.Pointer[Lister]
}

// New returns what answers from a source. Until it is told where to find nodes and pods ([Metrics.Use]), it answers that it is not
// available.
func New(source Source) *Metrics { return &Metrics{source: source} }

// Use tells where to find nodes and pods.
func (m *Metrics) Use(lister Lister) { m.lister.Store(&lister) }

func (m *Metrics) list() (Lister, error) {
	if lister := m.lister.Load(); lister != nil {
		return *lister, nil
	}
	return nil, apierrors.NewServiceUnavailable("metrics not available yet")
}

// Group is the group, to be installed in an API server.
func (m *Metrics) Group() (*genericapiserver.APIGroupInfo, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{metrics.AddToScheme, metricsv1beta1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	if err := scheme.SetVersionPriority(metricsv1beta1.SchemeGroupVersion); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	group := genericapiserver.NewDefaultAPIGroupInfo(metrics.GroupName, scheme, metav1.ParameterCodec, serializer.NewCodecFactory(scheme))
	group.VersionedResourcesStorageMap[metricsv1beta1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"nodes": &nodeMetrics{m}, "pods": &podMetrics{m},
	}
	return &group, nil
}
