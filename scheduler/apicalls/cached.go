package apicalls

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Cached reads what the watch has shown. The cache has to be synced before anything is read, so that what is not found is
// not there. What it returns must not be changed.
type Cached struct{ reader client.Reader }

// NewCached returns a Cached that reads from a cache.
func NewCached(cache client.Reader) Cached { return Cached{reader: cache} }

// Pod returns a pod as the API server last showed it, or nil when it is gone.
func (c Cached) Pod(namespace, name string) *corev1.Pod {
	pod := &ocorev1.Pod{}
	key := client.ObjectKey{Namespace: namespace, Name: name}
	if err := c.reader.Get(context.Background(), key, pod, client.UnsafeDisableDeepCopy); err != nil {
		return nil
	}
	return (*corev1.Pod)(pod)
}

// Node returns a node as the API server last showed it, or nil when it is gone.
func (c Cached) Node(name string) *corev1.Node {
	node := &ocorev1.Node{}
	if err := c.reader.Get(context.Background(), client.ObjectKey{Name: name}, node, client.UnsafeDisableDeepCopy); err != nil {
		return nil
	}
	return (*corev1.Node)(node)
}

// AssignedOrGone reports whether a pod can have no nomination any more.
func (c Cached) AssignedOrGone(pod *corev1.Pod) bool {
	current := c.Pod(pod.Namespace, pod.Name)
	return current == nil || current.Spec.NodeName != ""
}
