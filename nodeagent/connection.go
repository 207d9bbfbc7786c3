package nodeagent

import (
	"context"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
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
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/nodeagent/objects"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// connection is what the nodes of one process share of the API server.
type connection struct {
	naming apis.Naming
	config *rest.Config
	scheme *runtime.Scheme
	client client.WithWatch
	cache  cache.Cache
	kube   kubernetes.Interface
	// recording writes events.
	recording kubernetes.Interface
	events    record.EventBroadcaster
	pods      *podAPI
	podsAPI   string // the apiVersion of pods
	// known is closed when all services and pods have been told once.
	known chan struct{}
}

// connect prepares clients and caches. node limits the pods that are watched to one node's; "" takes all that have one.
func connect(config *rest.Config, naming apis.Naming, node string, rates rates, tracker *activity.Tracker) (*connection, error) {
	c := &connection{naming: naming, config: rates.all.limit(config), scheme: runtime.NewScheme(), known: make(chan struct{})}
	if err := apis.AddToScheme(c.scheme, naming); err != nil {
		return nil, err
	}
	web, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	mapper, err := c.mapper(web)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	direct, err := client.NewWithWatch(c.config, client.Options{Scheme: c.scheme, HTTPClient: web, Mapper: mapper})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	c.client = objects.Patient(direct)
	if c.kube, err = kubernetes.NewForConfig(c.config); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	if c.recording, err = kubernetes.NewForConfig(rates.events.limit(config)); err != nil {
		return nil, fmt.Errorf("making a client for events: %w", err)
	}
	selector := fields.OneTermNotEqualSelector("spec.nodeName", "")
	if node != "" {
		selector = fields.OneTermEqualSelector("spec.nodeName", node)
	}
	c.cache, err = cache.New(c.config, cache.Options{
		Scheme:           c.scheme,
		HTTPClient:       web,
		Mapper:           mapper,
		NewInformer:      tracker.Informers(c.scheme, nil),
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

// mapper knows of pods what has to be known to watch them, also while the API server is away; of all else it asks when that is needed.
func (c *connection) mapper(web *http.Client) (meta.RESTMapper, error) {
	pods := meta.NewDefaultRESTMapper(nil)
	pods.Add(c.naming.GroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod")), meta.RESTScopeNamespace)
	all, err := apiutil.NewDynamicRESTMapper(c.config, web)
	return meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{pods, all}}, err
}

// recorder returns a function that records events about pods in the name of one node.
func (c *connection) recorder(node string) func(pod *corev1.Pod, container, kind, reason, message string) {
	recorder := c.events.NewRecorder(c.scheme, corev1.EventSource{Component: "kubelet", Host: node})
	return func(pod *corev1.Pod, container, kind, reason, message string) {
		recorder.Event(c.reference(pod, container), kind, reason, message)
	}
}

// evictions returns a function that records an event about a pod, with annotations.
func (c *connection) evictions(node string) func(pod *corev1.Pod, annotations map[string]string, kind, reason, message string) {
	recorder := c.events.NewRecorder(c.scheme, corev1.EventSource{Component: "kubelet", Host: node})
	return func(pod *corev1.Pod, annotations map[string]string, kind, reason, message string) {
		recorder.AnnotatedEventf(c.reference(pod, ""), annotations, kind, reason, "%s", message)
	}
}

// nodeEvents returns a function that records events about a node, in its own name. As by the kubelet, its name stands for its UID.
func (c *connection) nodeEvents(node string) func(kind, reason, message string) {
	recorder := c.events.NewRecorder(c.scheme, corev1.EventSource{Component: "kubelet", Host: node})
	kind := c.naming.GroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
	ref := &corev1.ObjectReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: node, UID: types.UID(node)}
	return func(kind, reason, message string) { recorder.Event(ref, kind, reason, message) }
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
				s.Set(status.FromAPI((*corev1.Pod)(pod)))
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

// services returns those that a pod's environment speaks of; none before they are known, when static pods alone run.
func (c *connection) services(ctx context.Context, namespace string) ([]*corev1.Service, error) {
	select {
	case <-c.known:
	default:
		return nil, nil
	}
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
