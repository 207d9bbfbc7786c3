package loops

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// podCache is an API server of pods that costs nothing, and the cache of it, which is never behind. It keeps pods as
// controller-runtime's cache does: in an informer's indexer, of which a list copies pointers or, where asked to, whole pods.
type podCache struct {
	client.Client // of what the loops here do not call
	scheme        *runtime.Scheme
	pods          toolscache.Indexer
	set           *oappsv1.ReplicaSet // that has the pods; nil if there is none
}

// newPodCache holds n pods that have ended, on the node "here", with the indexes of some loops.
func newPodCache(b *testing.B, n int, loops ...loop.Loop) *podCache {
	b.Helper()
	c := &podCache{scheme: runtime.NewScheme()}
	if err := apis.AddToScheme(c.scheme, apis.Kubernetes); err != nil {
		b.Fatal(err)
	}
	indexers := toolscache.Indexers{}
	for _, l := range loops {
		for _, index := range l.Indexes() {
			indexers[index.Field] = func(obj any) ([]string, error) { return index.Values(obj.(client.Object)), nil }
		}
	}
	c.pods = toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, indexers)
	for i := range n {
		name := fmt.Sprintf("job-%05d", i)
		err := c.pods.Add(&ocorev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: "1",
				CreationTimestamp: metav1.NewTime(time.Unix(int64(i), 0)), Labels: map[string]string{"job": name},
			},
			Spec:   corev1.PodSpec{NodeName: "here", Containers: []corev1.Container{{Name: "app", Image: "app:1"}}},
			Status: corev1.PodStatus{Phase: corev1.PodSucceeded},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func (c *podCache) Scheme() *runtime.Scheme { return c.scheme }

func (c *podCache) GroupVersionKindFor(obj runtime.Object) (schema.GroupVersionKind, error) {
	return apiutil.GVKForObject(obj, c.scheme)
}

func (c *podCache) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	switch obj := obj.(type) {
	case *ocorev1.Node:
		obj.Name = key.Name
		return nil
	case *oappsv1.ReplicaSet:
		if c.set != nil && key == client.ObjectKeyFromObject(c.set) {
			c.set.DeepCopyInto(obj)
			return nil
		}
	case *ocorev1.Pod:
		if pod, there, _ := c.pods.GetByKey(key.String()); there {
			pod.(*ocorev1.Pod).DeepCopyInto(obj)
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, key.Name)
}

func (c *podCache) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(opts)
	found, err := c.found(opts)
	if err != nil {
		return err
	}
	pods := list.(*ocorev1.PodList)
	pods.Items = make([]ocorev1.Pod, 0, len(found))
	for _, pod := range found {
		if options.UnsafeDisableDeepCopy == nil || !*options.UnsafeDisableDeepCopy {
			pod = pod.(*ocorev1.Pod).DeepCopy()
		}
		pods.Items = append(pods.Items, *pod.(*ocorev1.Pod))
	}
	return nil
}

// found are the pods that a list asks for by a field.
func (c *podCache) found(opts []client.ListOption) ([]any, error) {
	field := (&client.ListOptions{}).ApplyOptions(opts).FieldSelector.Requirements()[0]
	return c.pods.ByIndex(field.Field, field.Value)
}

func (c *podCache) Delete(_ context.Context, obj client.Object, _ ...client.DeleteOption) error {
	return c.pods.Delete(obj)
}

// keys are the names of all pods.
func (c *podCache) keys() []client.ObjectKey {
	var keys []client.ObjectKey
	for _, pod := range c.pods.List() {
		keys = append(keys, client.ObjectKeyFromObject(pod.(*ocorev1.Pod)))
	}
	return keys
}
