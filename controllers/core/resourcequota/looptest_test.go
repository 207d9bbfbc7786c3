package resourcequota

import (
	"context"
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fixed is a catalogue of kinds that do not change.
type fixed map[schema.GroupResource]kinds.Kind

func (f fixed) find(_ context.Context, resource schema.GroupResource) (kinds.Kind, bool, error) {
	kind, known := f[resource]
	return kind, known, nil
}

var onlyConfigMaps = fixed{configMaps: {GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), Resource: "configmaps", Namespaced: true}}

// TestQuotasAreCounted lets what quotas count come, go and end, and the limits change, under both namings: in the end each quota says
// what there is, and it never says more than there has been.
func TestQuotasAreCounted(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{declare(onlyConfigMaps, loop.Watches(counting[*corev1.ConfigMap](configMaps)))},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					quotaOf("all", "pods", "requests.cpu", "requests.storage", "services", "configmaps", "count/gadgets.example.com"),
					scoped(quotaOf("batch", "pods", "count/pods"), corev1.ResourceQuotaScopeTerminating),
					gen.Pod("first", asks("250m")), configMap("first"), gen.PersistentVolumeClaim("first"),
				}
			},
			Change:      comeAndGo,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{limitsAreThoseAskedFor},
			Converged:   saysWhatThereIs,
		})
	})
}

type quota = corev1.ResourceQuota

// quotaOf is a quota of ten of each of some names.
func quotaOf(name string, names ...corev1.ResourceName) *quota {
	q := &quota{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "uid"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{}}}
	for _, limited := range names {
		q.Spec.Hard[limited] = number(10)
	}
	return q
}

// scoped makes a quota one of what matches scopes.
func scoped(q *quota, scopes ...corev1.ResourceQuotaScope) *quota {
	q.Spec.Scopes = scopes
	return q
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func asks(cpu string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
	}
}

func ends(pod *ocorev1.Pod) { pod.Spec.ActiveDeadlineSeconds = new(int64) }

// comeAndGo creates or deletes an object, ends a pod, or changes limits.
func comeAndGo(t *rapid.T, w *looptest.World) {
	name := rapid.SampledFrom([]string{"a", "b", "first"}).Draw(t, "name")
	if rapid.IntRange(0, 5).Draw(t, "what") == 0 {
		looptest.Edit(w, "user", quotaOf("all"), func(q *quota) {
			q.Spec.Hard["pods"] = number(rapid.IntRange(1, 20).Draw(t, "pods"))
		})
		return
	}
	obj := rapid.SampledFrom([]client.Object{
		gen.Pod(name, asks("250m")), gen.Pod(name, ends), gen.Service(name), gen.PersistentVolumeClaim(name), configMap(name),
	}).Draw(t, "object").DeepCopyObject().(client.Object)
	user := w.Client("user")
	switch err := user.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); {
	case err != nil:
		obj.SetUID("")
		if err := user.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	case rapid.Bool().Draw(t, "goes"):
		if err := user.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	default:
		if pod, ok := obj.(*ocorev1.Pod); ok {
			looptest.Edit(w, "node", pod, gen.Phase(corev1.PodSucceeded))
		}
	}
}

// limitsAreThoseAskedFor holds that a status is about the limits that the quota has.
func limitsAreThoseAskedFor(_ *looptest.World, wrote looptest.Write) error {
	after, ok := wrote.After.(*quota)
	if !ok || wrote.By != name {
		return nil
	}
	if !same(after.Status.Hard, after.Spec.Hard) {
		return fmt.Errorf("status.hard of %s is %v, want %v", after.Name, after.Status.Hard, after.Spec.Hard)
	}
	return nil
}

func saysWhatThereIs(w *looptest.World) error {
	running, terminating, ending := 0, 0, 0
	var cpu, storage resource.Quantity
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		ended := pod.Status.Phase == corev1.PodSucceeded
		if pod.Spec.ActiveDeadlineSeconds != nil {
			ending++
		}
		if ended {
			continue
		}
		running++
		if pod.Spec.ActiveDeadlineSeconds != nil {
			terminating++
		}
		cpu.Add(*pod.Spec.Containers[0].Resources.Requests.Cpu())
	}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		storage.Add(*claim.Spec.Resources.Requests.Storage())
	}
	want := map[string]corev1.ResourceList{
		"all": {
			"pods": number(running), "requests.cpu": cpu, "requests.storage": storage,
			"services":   number(len(looptest.All[*ocorev1.Service](w))),
			"configmaps": number(len(looptest.All[*corev1.ConfigMap](w))),
		},
		"batch": {"pods": number(terminating), "count/pods": number(ending)},
	}
	for _, q := range looptest.All[*quota](w) {
		if !same(q.Status.Used, want[q.Name]) {
			return fmt.Errorf("status.used of %s is %v, want %v", q.Name, q.Status.Used, want[q.Name])
		}
	}
	return nil
}
