package garbagecollector

import (
	"context"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const manyPods = 10_000

var (
	replicaSets = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}
	pods        = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
)

// burst is one ReplicaSet with many pods, as their watches tell of them.
type burst struct {
	*monitors
	passes loop.Reconciler
	woken  []client.ObjectKey
}

func newBurst(b *testing.B) *burst {
	b.Helper()
	burst := &burst{monitors: watching(
		kinds.Kind{GroupVersionKind: replicaSets, Namespaced: true},
		kinds.Kind{GroupVersionKind: pods, Namespaced: true},
	)}
	burst.passes = loop.NewGroup(name, Controller{known: burst.monitors}).Reconciler(loop.Cluster{
		Client: readsGraph{looptest.NewWorld(runtime.NewScheme()).Client(name), burst.graph},
	})
	burst.listen(func(at id) { burst.woken = append(burst.woken, Key(at.Kind.GroupKind(), at.ObjectKey)) })
	web := metadataOf(replicaSets)
	web.Namespace, web.Name, web.UID = "default", "web", "web"
	burst.see(b, web)
	return burst
}

// readsGraph is a client as the loop has it in a manager.
type readsGraph struct {
	client.Client
	graph *graph
}

func (r readsGraph) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	return r.graph.Get(ctx, key, obj, opts...)
}

func (r readsGraph) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return r.graph.List(ctx, list, opts...)
}

// see is an event of a watch.
func (u *burst) see(b *testing.B, obj *metav1.PartialObjectMetadata) {
	b.Helper()
	if err := u.byKind[obj.GroupVersionKind().GroupKind()].Update(obj); err != nil {
		b.Fatal(err)
	}
}

// catchUp makes the passes that the loop was woken for, and says how many.
func (u *burst) catchUp(b *testing.B) int {
	b.Helper()
	passes := len(u.woken)
	for _, key := range u.woken {
		u.pass(b, key)
	}
	u.woken = u.woken[:0]
	return passes
}

func (u *burst) pass(b *testing.B, key client.ObjectKey) {
	b.Helper()
	if _, err := u.passes.Reconcile(b.Context(), reconcile.Request{NamespacedName: key}); err != nil {
		b.Fatal(err)
	}
}

// podOf is the n-th pod of the ReplicaSet in one of its versions.
func podOf(n, version int) *metav1.PartialObjectMetadata {
	yes := true
	pod := metadataOf(pods)
	pod.Namespace, pod.Name = "default", fmt.Sprintf("web-%d", n)
	pod.UID, pod.ResourceVersion = types.UID(pod.Name), fmt.Sprint(version)
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "web", Controller: &yes, BlockOwnerDeletion: &yes,
	}}
	return pod
}

// BenchmarkBurst is what the collector does while many pods are made, scheduled and started: four events for each.
func BenchmarkBurst(b *testing.B) {
	const versions = 4
	passes := 0
	for range b.N {
		u := newBurst(b)
		for version := range versions {
			for n := range manyPods {
				u.see(b, podOf(n, version))
				passes += u.catchUp(b)
			}
		}
	}
	b.ReportMetric(float64(passes)/float64(b.N), "passes/op")
	b.ReportMetric(float64(b.N*versions*manyPods)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkPass is a pass over a pod whose owner is there, among many.
func BenchmarkPass(b *testing.B) {
	u := newBurst(b)
	keys := make([]client.ObjectKey, manyPods)
	for n := range manyPods {
		pod := podOf(n, 1)
		u.see(b, pod)
		keys[n] = Key(pods.GroupKind(), client.ObjectKeyFromObject(pod))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		u.pass(b, keys[n%manyPods])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "passes/s")
}
