package api

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
)

// Live finds nodes and pods by asking an API server, which answers out of its watch cache: so nothing of them is kept, and only who
// asks for metrics costs anything.
type Live struct{ Client metadata.Interface }

var _ Lister = Live{}

// cached is the version that asks for what the watch cache has.
const cached = "0"

var (
	nodes = corev1.SchemeGroupVersion.WithResource("nodes")
	pods  = corev1.SchemeGroupVersion.WithResource("pods")
)

// Node implements Lister.
func (l Live) Node(ctx context.Context, name string) (*metav1.ObjectMeta, error) {
	return meta(l.Client.Resource(nodes).Get(ctx, name, metav1.GetOptions{ResourceVersion: cached}))
}

// Pod implements Lister.
func (l Live) Pod(ctx context.Context, name types.NamespacedName) (*metav1.ObjectMeta, error) {
	return meta(l.Client.Resource(pods).Namespace(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{ResourceVersion: cached}))
}

// Nodes implements Lister.
func (l Live) Nodes(ctx context.Context, selector labels.Selector) ([]metav1.ObjectMeta, error) {
	return l.all(ctx, nodes, "", selector)
}

// Pods implements Lister.
func (l Live) Pods(ctx context.Context, namespace string, selector labels.Selector) ([]metav1.ObjectMeta, error) {
	return l.all(ctx, pods, namespace, selector)
}

func (l Live) all(ctx context.Context, of schema.GroupVersionResource, namespace string, selector labels.Selector) ([]metav1.ObjectMeta, error) {
	list, err := l.Client.Resource(of).Namespace(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: selector.String(), ResourceVersion: cached,
	})
	if err != nil {
		return nil, err
	}
	found := make([]metav1.ObjectMeta, len(list.Items))
	for i := range list.Items {
		found[i] = list.Items[i].ObjectMeta
	}
	return found, nil
}

func meta(object *metav1.PartialObjectMetadata, err error) (*metav1.ObjectMeta, error) {
	if err != nil {
		return nil, err
	}
	return &object.ObjectMeta, nil
}
