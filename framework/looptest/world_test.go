package looptest_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// coreWorld is a world of core kinds, and a client that sees it as it is.
func coreWorld(t *testing.T) (*looptest.World, client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	w := looptest.NewWorld(scheme)
	return w, w.Client("tester")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newPod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func newConfigMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func TestCreate(t *testing.T) {
	w, c := coreWorld(t)
	w.Step(1500 * time.Millisecond)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "web-", UID: "mine", Generation: 9}}
	pod.Status.Phase = corev1.PodRunning
	must(t, c.Create(t.Context(), pod))
	want := metav1.ObjectMeta{
		Namespace:         "default",
		GenerateName:      "web-",
		Name:              "web-1",
		UID:               "uid-1",
		ResourceVersion:   "1",
		Generation:        1,
		CreationTimestamp: metav1.NewTime(looptest.Begin.Add(time.Second)),
	}
	if diff := cmp.Diff(want, pod.ObjectMeta); diff != "" {
		t.Errorf("metadata differs (-want +got):\n%s", diff)
	}
	if pod.Status.Phase != "" {
		t.Errorf("the status was created too: %q", pod.Status.Phase)
	}
	again := newPod("web-1")
	if err := c.Create(t.Context(), again); !apierrors.IsAlreadyExists(err) {
		t.Errorf("creating it again ends with %v, want already exists", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "o", UID: "o", Controller: ptr.To(true)}
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		is   func(error) bool
	}{
		{"an object without a name", newPod(""), apierrors.IsInvalid},
		{"an object with a resourceVersion", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "1"}}, apierrors.IsBadRequest},
		{"two controllers", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", OwnerReferences: []metav1.OwnerReference{owner, owner}}}, apierrors.IsInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, c := coreWorld(t)
			if err := c.Create(t.Context(), tt.pod); !tt.is(err) {
				t.Errorf("ends with %v", err)
			}
		})
	}
}

func TestUpdateChangesEverythingButTheStatus(t *testing.T) {
	w, c := coreWorld(t)
	w.Put(newPod("a"))
	pod := looptest.All[*corev1.Pod](w)[0].DeepCopy()
	pod.Spec.NodeName, pod.Status.Phase, pod.Labels = "n1", corev1.PodRunning, map[string]string{"a": "b"}
	must(t, c.Update(t.Context(), pod))
	if pod.Spec.NodeName != "n1" || pod.Status.Phase != "" || pod.Labels["a"] != "b" || pod.Generation != 2 {
		t.Errorf("after an update: %+v", pod)
	}
	pod.Spec.NodeName, pod.Status.Phase, pod.Labels = "n2", corev1.PodRunning, nil
	must(t, c.Status().Update(t.Context(), pod))
	if pod.Spec.NodeName != "n1" || pod.Status.Phase != corev1.PodRunning || pod.Labels["a"] != "b" || pod.Generation != 2 {
		t.Errorf("after an update of the status: %+v", pod)
	}
}

func TestAWriteThatChangesNothingIsNone(t *testing.T) {
	w, c := coreWorld(t)
	w.Put(newPod("a"))
	before := w.Version()
	must(t, c.Update(t.Context(), looptest.All[*corev1.Pod](w)[0].DeepCopy()))
	must(t, c.Patch(t.Context(), newPod("a"), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null}}`))))
	if w.Version() != before {
		t.Errorf("the version went from %d to %d", before, w.Version())
	}
}

func TestOptimisticLocks(t *testing.T) {
	w, c := coreWorld(t)
	w.Put(newPod("a"))
	old := looptest.All[*corev1.Pod](w)[0].DeepCopy()
	looptest.Edit(w, "somebody", old, func(p *corev1.Pod) { p.Labels = map[string]string{"new": "label"} })

	changed := old.DeepCopy()
	changed.Spec.NodeName = "n1"
	locked := client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{})
	for name, write := range map[string]func() error{
		"update":        func() error { return c.Update(t.Context(), changed.DeepCopy()) },
		"status update": func() error { return c.Status().Update(t.Context(), changed.DeepCopy()) },
		"locked patch":  func() error { return c.Patch(t.Context(), changed.DeepCopy(), locked) },
		"deletion at a version": func() error {
			return c.Delete(t.Context(), old, client.Preconditions{ResourceVersion: &old.ResourceVersion})
		},
		"deletion of a UID":     func() error { return c.Delete(t.Context(), old, client.Preconditions{UID: ptr.To(types.UID("other"))}) },
		"update of another UID": func() error { return c.Update(t.Context(), withUID(old, "other")) },
	} {
		if err := write(); !apierrors.IsConflict(err) {
			t.Errorf("%s ends with %v, want a conflict", name, err)
		}
	}
	must(t, c.Patch(t.Context(), changed.DeepCopy(), client.MergeFrom(old)))
	if pod := looptest.All[*corev1.Pod](w)[0]; pod.Spec.NodeName != "n1" || pod.Labels["new"] != "label" {
		t.Errorf("after a patch without a lock: %+v", pod)
	}
}

func withUID(pod *corev1.Pod, uid types.UID) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.UID, pod.ResourceVersion = uid, ""
	return pod
}

func TestPatches(t *testing.T) {
	for _, tt := range []struct {
		name  string
		patch client.Patch
	}{
		{"merge", client.RawPatch(types.MergePatchType, []byte(`{"data":{"b":"2","a":null}}`))},
		{"JSON", client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/data/a"},{"op":"add","path":"/data/b","value":"2"}]`))},
		{"strategic merge", client.RawPatch(types.StrategicMergePatchType, []byte(`{"data":{"b":"2","a":null}}`))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, c := coreWorld(t)
			obj := newConfigMap("a")
			obj.Data = map[string]string{"a": "1"}
			w.Put(obj)
			must(t, c.Patch(t.Context(), obj, tt.patch))
			if diff := cmp.Diff(map[string]string{"b": "2"}, obj.Data); diff != "" {
				t.Errorf("data differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyRemovesWhatItsManagerNoLongerApplies(t *testing.T) {
	w, c := coreWorld(t)
	apply := func(manager string, data map[string]string) {
		t.Helper()
		must(t, c.Apply(t.Context(), corev1apply.ConfigMap("a", "default").WithData(data), client.FieldOwner(manager)))
	}
	apply("one", map[string]string{"a": "1", "b": "1"})
	apply("two", map[string]string{"c": "2"})
	apply("one", map[string]string{"a": "3"})
	got := looptest.All[*corev1.ConfigMap](w)[0].Data
	if diff := cmp.Diff(map[string]string{"a": "3", "c": "2"}, got); diff != "" {
		t.Errorf("data differ (-want +got):\n%s", diff)
	}
	before := w.Version()
	apply("one", map[string]string{"a": "3"})
	if w.Version() != before {
		t.Error("applying the same again was a change")
	}
	err := c.Apply(t.Context(), corev1apply.ConfigMap("a", "default"))
	if !apierrors.IsBadRequest(err) {
		t.Errorf("applying without a manager ends with %v, want bad request", err)
	}
}

func TestFinalizersHoldWhatIsDeleted(t *testing.T) {
	w, c := coreWorld(t)
	pod := newPod("a")
	pod.Finalizers = []string{"example.org/hold"}
	w.Put(pod)
	must(t, c.Delete(t.Context(), newPod("a")))
	held := looptest.All[*corev1.Pod](w)
	if len(held) != 1 || held[0].DeletionTimestamp == nil || held[0].Generation != 2 {
		t.Fatalf("held is %+v", held)
	}
	before := w.Version()
	must(t, c.Delete(t.Context(), newPod("a")))
	if w.Version() != before {
		t.Error("deleting it twice was a change")
	}
	more := held[0].DeepCopy()
	more.Finalizers = append(more.Finalizers, "example.org/more")
	if err := c.Update(t.Context(), more); !apierrors.IsInvalid(err) {
		t.Errorf("adding a finalizer ends with %v, want invalid", err)
	}
	released := held[0].DeepCopy()
	released.Finalizers = nil
	must(t, c.Update(t.Context(), released))
	if left := looptest.All[*corev1.Pod](w); len(left) != 0 {
		t.Errorf("left is %+v", left)
	}
}

func TestGracefulDeletion(t *testing.T) {
	w, c := coreWorld(t)
	w.Graceful = func(obj client.Object) bool {
		pod, isPod := obj.(*corev1.Pod)
		return isPod && pod.Spec.NodeName != ""
	}
	running := newPod("running")
	running.Spec.NodeName = "n1"
	w.Put(running, newPod("pending"))
	must(t, c.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("default")))
	left := looptest.All[*corev1.Pod](w)
	if len(left) != 1 || left[0].Name != "running" || !left[0].DeletionTimestamp.Time.Equal(looptest.Begin.Add(30*time.Second)) {
		t.Fatalf("left is %+v, want the running pod, for 30 s", left)
	}
	must(t, c.Delete(t.Context(), running, client.GracePeriodSeconds(0)))
	if left := looptest.All[*corev1.Pod](w); len(left) != 0 {
		t.Errorf("left is %+v", left)
	}
}

// family is an owner, and a dependent that holds up its deletion in the foreground.
func family(w *looptest.World) {
	w.Put(newConfigMap("owner"))
	owner := looptest.All[*corev1.ConfigMap](w)[0]
	child := newPod("child")
	child.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.UID, BlockOwnerDeletion: ptr.To(true)}}
	w.Put(child)
}

func TestCollect(t *testing.T) {
	for _, tt := range []struct {
		policy metav1.DeletionPropagation
		want   []int // how many owners and children there are: at once, and after each thing that there is to collect
	}{
		{metav1.DeletePropagationBackground, []int{01, 00}},
		{metav1.DeletePropagationForeground, []int{11, 10, 00}},
		{metav1.DeletePropagationOrphan, []int{11, 11, 01}},
	} {
		t.Run(string(tt.policy), func(t *testing.T) {
			w, c := coreWorld(t)
			family(w)
			must(t, c.Delete(t.Context(), newConfigMap("owner"), client.PropagationPolicy(tt.policy)))
			there := func() int { return 10*len(looptest.All[*corev1.ConfigMap](w)) + len(looptest.All[*corev1.Pod](w)) }
			got := []int{there()}
			for w.Collect() {
				got = append(got, there())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("owners and children differ (-want +got):\n%s", diff)
			}
			for _, child := range looptest.All[*corev1.Pod](w) {
				if len(child.OwnerReferences) != 0 {
					t.Errorf("the orphan still has an owner: %v", child.OwnerReferences)
				}
			}
		})
	}
}

func TestCollectKeepsAnOwnerUntilItsLastDependentIsGone(t *testing.T) {
	w, c := coreWorld(t)
	family(w)
	looptest.Edit(w, "somebody", newPod("child"), func(p *corev1.Pod) { p.Finalizers = []string{"example.org/hold"} })
	must(t, c.Delete(t.Context(), newConfigMap("owner"), client.PropagationPolicy(metav1.DeletePropagationForeground)))
	for w.Collect() {
	}
	if owners := looptest.All[*corev1.ConfigMap](w); len(owners) != 1 {
		t.Fatal("the owner is gone before the dependent that blocks it")
	}
	looptest.Edit(w, "somebody", newPod("child"), func(p *corev1.Pod) { p.Finalizers = nil })
	for w.Collect() {
	}
	if owners := looptest.All[*corev1.ConfigMap](w); len(owners) != 0 {
		t.Error("the owner is still there, and nothing blocks it")
	}
}

func TestSelectors(t *testing.T) {
	w, c := coreWorld(t)
	for name, node := range map[string]string{"a": "n1", "b": "n2", "c": "n1"} {
		pod := newPod(name)
		pod.Spec.NodeName, pod.Labels = node, map[string]string{"name": name}
		w.Put(pod)
	}
	w.Put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "d", Labels: map[string]string{"name": "a"}}})
	must(t, w.Index(&corev1.Pod{}, "tier", func(obj client.Object) []string { return []string{"tier of " + obj.GetName()} }))
	for _, tt := range []struct {
		name    string
		options []client.ListOption
		want    []string
	}{
		{"none", nil, []string{"a", "b", "c", "d"}},
		{"namespace", []client.ListOption{client.InNamespace("default")}, []string{"a", "b", "c"}},
		{"labels", []client.ListOption{client.MatchingLabels{"name": "a"}}, []string{"a", "d"}},
		{"a field by its path", []client.ListOption{client.MatchingFields{"spec.nodeName": "n1"}}, []string{"a", "c"}},
		{"an empty field", []client.ListOption{client.MatchingFields{"spec.nodeName": ""}}, []string{"d"}},
		{"a field by its index", []client.ListOption{client.MatchingFields{"tier": "tier of b"}}, []string{"b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list corev1.PodList
			must(t, c.List(t.Context(), &list, tt.options...))
			var names []string
			for _, pod := range list.Items {
				names = append(names, pod.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("found differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormsOfAnObject(t *testing.T) {
	w, c := coreWorld(t)
	w.Put(newPod("a"))
	u := &unstructured.Unstructured{}
	u.SetAPIVersion("v1")
	u.SetKind("Pod")
	must(t, c.Get(t.Context(), client.ObjectKeyFromObject(newPod("a")), u))
	must(t, unstructured.SetNestedField(u.Object, "n1", "spec", "nodeName"))
	must(t, c.Update(t.Context(), u))
	if node := looptest.All[*corev1.Pod](w)[0].Spec.NodeName; node != "n1" {
		t.Errorf("the typed object has the node %q, want what was written unstructured", node)
	}
	metadata := &metav1.PartialObjectMetadataList{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	must(t, c.List(t.Context(), metadata))
	if len(metadata.Items) != 1 || metadata.Items[0].Name != "a" || metadata.Items[0].Kind != "Pod" {
		t.Errorf("the metadata are %+v", metadata.Items)
	}
	gadget := &unstructured.Unstructured{}
	gadget.SetAPIVersion("example.org/v1")
	gadget.SetKind("Gadget")
	gadget.SetName("g")
	must(t, c.Create(t.Context(), gadget))
	gadgets := &unstructured.UnstructuredList{}
	gadgets.SetAPIVersion("example.org/v1")
	gadgets.SetKind("GadgetList")
	must(t, c.List(t.Context(), gadgets))
	if len(gadgets.Items) != 1 || gadgets.Items[0].GetUID() == "" {
		t.Errorf("of a kind that the scheme does not know there are %+v", gadgets.Items)
	}
}

func TestAViewStaysWhereItIs(t *testing.T) {
	w, _ := coreWorld(t)
	w.Put(newPod("a"))
	view := w.NewView()
	cached := view.ClientOf("tester")
	w.Put(newPod("b"))
	must(t, cached.Delete(t.Context(), newPod("a")))
	seen := func() (names []string) {
		var list corev1.PodList
		must(t, cached.List(t.Context(), &list))
		for _, pod := range list.Items {
			names = append(names, pod.Name)
		}
		return names
	}
	if diff := cmp.Diff([]string{"a"}, seen()); diff != "" {
		t.Errorf("an old view differs (-want +got):\n%s", diff)
	}
	pods := corev1.SchemeGroupVersion.WithKind("Pod")
	view.See(pods, 1)
	if diff := cmp.Diff([]string{"a", "b"}, seen()); diff != "" {
		t.Errorf("after one change it differs (-want +got):\n%s", diff)
	}
	if behind := view.Behind(); len(behind) != 1 || behind[0] != pods {
		t.Errorf("behind with %v, want pods", behind)
	}
	view.CatchUp()
	if diff := cmp.Diff([]string{"b"}, seen()); diff != "" || len(view.Behind()) != 0 {
		t.Errorf("caught up, it differs (-want +got), behind with %v:\n%s", view.Behind(), diff)
	}
}

func TestSubresources(t *testing.T) {
	w, c := coreWorld(t)
	w.Put(newPod("a"))
	binding := &corev1.Binding{Target: corev1.ObjectReference{Name: "n1"}}
	if err := c.SubResource("binding").Create(t.Context(), newPod("a"), binding); !apierrors.IsNotFound(err) {
		t.Errorf("a subresource that the world does not have ends with %v, want not found", err)
	}
	w.Subresources = map[string]func(stored, body client.Object) error{
		"binding": func(stored, body client.Object) error {
			stored.(*corev1.Pod).Spec.NodeName = body.(*corev1.Binding).Target.Name
			return nil
		},
	}
	must(t, c.SubResource("binding").Create(t.Context(), newPod("a"), binding))
	if node := looptest.All[*corev1.Pod](w)[0].Spec.NodeName; node != "n1" {
		t.Errorf("bound to %q, want n1", node)
	}
}

func TestAnEvictionDeletesUnlessItIsRefused(t *testing.T) {
	w, c := coreWorld(t)
	w.Graceful = func(client.Object) bool { return true }
	w.Put(newPod("a"))
	refusal := apierrors.NewTooManyRequests("the budget is used up", 0)
	refuse := true
	w.Subresources = map[string]func(stored, body client.Object) error{"eviction": func(client.Object, client.Object) error {
		if refuse {
			return refusal
		}
		return nil
	}}
	grace, wrong := int64(7), types.UID("another")
	eviction := &policyv1.Eviction{DeleteOptions: &metav1.DeleteOptions{GracePeriodSeconds: &grace}}
	if err := c.SubResource("eviction").Create(t.Context(), newPod("a"), eviction); !apierrors.IsTooManyRequests(err) {
		t.Errorf("an eviction that is refused ends with %v", err)
	}
	refuse = false
	eviction.DeleteOptions.Preconditions = &metav1.Preconditions{UID: &wrong}
	if err := c.SubResource("eviction").Create(t.Context(), newPod("a"), eviction); !apierrors.IsConflict(err) {
		t.Errorf("an eviction of another pod ends with %v, want a conflict", err)
	}
	eviction.DeleteOptions.Preconditions = nil
	must(t, c.SubResource("eviction").Create(t.Context(), newPod("a"), eviction))
	if pod := looptest.All[*corev1.Pod](w)[0]; pod.DeletionTimestamp == nil || *pod.DeletionGracePeriodSeconds != grace {
		t.Errorf("the pod is deleted at %v within %v seconds, want %d", pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds, grace)
	}
}

func TestAScaleIsThatOfItsObject(t *testing.T) {
	w, c := coreWorld(t)
	three := int32(3)
	rc := &corev1.ReplicationController{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}
	rc.Spec.Replicas, rc.Spec.Selector, rc.Status.Replicas = &three, map[string]string{"app": "a"}, 2
	w.Put(rc)
	scale := &autoscalingv1.Scale{}
	must(t, c.SubResource("scale").Get(t.Context(), rc, scale))
	stored := looptest.All[*corev1.ReplicationController](w)[0]
	if scale.Spec.Replicas != 3 || scale.Status.Replicas != 2 || scale.Status.Selector != "app=a" ||
		scale.UID != stored.UID || scale.ResourceVersion != stored.ResourceVersion {
		t.Errorf("the scale is %+v", scale)
	}
	before := scale.DeepCopy()
	scale.Spec.Replicas = 5
	must(t, c.SubResource("scale").Update(t.Context(), rc, client.WithSubResourceBody(scale)))
	if now := looptest.All[*corev1.ReplicationController](w)[0]; *now.Spec.Replicas != 5 || scale.ResourceVersion != now.ResourceVersion {
		t.Errorf("there shall be %d replicas, and the answer tells version %s of %s", *now.Spec.Replicas, scale.ResourceVersion, now.ResourceVersion)
	}
	if err := c.SubResource("scale").Update(t.Context(), rc, client.WithSubResourceBody(before)); !apierrors.IsConflict(err) {
		t.Errorf("a scale that is old ends with %v, want a conflict", err)
	}
	rc.Name = "none"
	if err := c.SubResource("scale").Get(t.Context(), rc, scale); !apierrors.IsNotFound(err) {
		t.Errorf("the scale of nothing ends with %v, want not found", err)
	}
}

func TestObjectsGoThroughJSON(t *testing.T) {
	_, c := coreWorld(t)
	pod := newPod("a")
	must(t, c.Create(context.Background(), pod))
	pod.Status.StartTime = &metav1.Time{Time: looptest.Begin.Add(time.Millisecond)}
	must(t, c.Status().Update(t.Context(), pod))
	if !pod.Status.StartTime.Time.Equal(looptest.Begin) {
		t.Errorf("the time is %s, with a fraction that no API server keeps", pod.Status.StartTime.Time)
	}
}
