package nodeagent

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// connection is what the nodes of one process share of the API server.
type connection struct {
	naming  apis.Naming
	config  *rest.Config
	scheme  *runtime.Scheme
	client  client.WithWatch
	cache   cache.Cache
	kube    kubernetes.Interface
	events  record.EventBroadcaster
	pods    *podAPI
	podsAPI string // the apiVersion of pods
}

// connect prepares clients and caches. node limits the pods that are watched to one node's; "" takes all that have one.
func connect(config *rest.Config, naming apis.Naming, node string) (*connection, error) {
	c := &connection{naming: naming, config: rest.CopyConfig(config), scheme: runtime.NewScheme()}
	if c.config.QPS == 0 {
		c.config.QPS = -1 // the server's own fairness decides
	}
	if err := apis.AddToScheme(c.scheme, naming); err != nil {
		return nil, err
	}
	var err error
	if c.client, err = client.NewWithWatch(c.config, client.Options{Scheme: c.scheme}); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	if c.kube, err = kubernetes.NewForConfig(c.config); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	selector := fields.OneTermNotEqualSelector("spec.nodeName", "")
	if node != "" {
		selector = fields.OneTermEqualSelector("spec.nodeName", node)
	}
	c.cache, err = cache.New(c.config, cache.Options{
		Scheme:           c.scheme,
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject:         map[client.Object]cache.ByObject{&ocorev1.Pod{}: {Field: selector}},
	})
	if err != nil {
		return nil, fmt.Errorf("making a cache: %w", err)
	}
	c.podsAPI = naming.GroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod")).GroupVersion().String()
	c.pods = &podAPI{client: c.client, written: map[types.UID]*ocorev1.Pod{}}
	c.events = record.NewBroadcaster()
	return c, nil
}

// recorder returns a function that records events about pods in the name of one node.
func (c *connection) recorder(node string) func(pod *corev1.Pod, container, kind, reason, message string) {
	recorder := c.events.NewRecorder(c.scheme, corev1.EventSource{Component: "kubelet", Host: node})
	return func(pod *corev1.Pod, container, kind, reason, message string) {
		recorder.Event(c.reference(pod, container), kind, reason, message)
	}
}

// reference names a pod, or one of its containers, under the naming.
func (c *connection) reference(pod *corev1.Pod, container string) *corev1.ObjectReference {
	ref := &corev1.ObjectReference{
		APIVersion: c.podsAPI, Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
	}
	if container != "" {
		ref.FieldPath = fieldPath(pod, container)
	}
	return ref
}

func fieldPath(pod *corev1.Pod, container string) string {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == container {
			return fmt.Sprintf("spec.initContainers{%s}", container)
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == container {
			return fmt.Sprintf("spec.ephemeralContainers{%s}", container)
		}
	}
	return fmt.Sprintf("spec.containers{%s}", container)
}

// podSink is told about pods.
type podSink interface {
	Set(pod *corev1.Pod)
	Remove(uid types.UID)
}

// watchPods tells a sink about every pod, by the node it is bound to, and returns when all have been told once.
func (c *connection) watchPods(ctx context.Context, sink func(node string) podSink) error {
	informer, err := c.cache.GetInformer(ctx, &ocorev1.Pod{})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	remove := func(obj any) {
		if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
			obj = tombstone.Obj
		}
		if pod, ok := obj.(*ocorev1.Pod); ok {
			c.pods.gone(pod.UID)
			if s := sink(pod.Spec.NodeName); s != nil {
				s.Remove(pod.UID)
			}
		}
	}
	set := func(obj any) {
		if pod, ok := obj.(*ocorev1.Pod); ok {
			c.pods.seen(pod.UID, pod.ResourceVersion)
			if s := sink(pod.Spec.NodeName); s != nil {
				s.Set((*corev1.Pod)(pod))
			}
		}
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: set,
		UpdateFunc: func(before, after any) {
			if uid(before) != uid(after) { // deleted and made again between two looks
				remove(before)
			}
			set(after)
		},
		DeleteFunc: remove,
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return context.Cause(ctx)
	}
	return nil
}

func uid(obj any) types.UID {
	if object, ok := obj.(metav1.Object); ok {
		return object.GetUID()
	}
	return ""
}

// services returns those that a pod's environment speaks of.
func (c *connection) services(ctx context.Context, namespace string) ([]*corev1.Service, error) {
	var found []*corev1.Service
	for _, in := range []string{namespace, corev1.NamespaceDefault} {
		var list ocorev1.ServiceList
		if err := c.cache.List(ctx, &list, client.InNamespace(in), client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		for i := range list.Items {
			found = append(found, (*corev1.Service)(&list.Items[i]))
		}
		if namespace == corev1.NamespaceDefault {
			break
		}
	}
	return found, nil
}
