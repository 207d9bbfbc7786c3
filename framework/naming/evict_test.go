package naming_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/naming"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// aBudget is the PodDisruptionBudget default/web of pods with the label app=web, which allows one disruption.
func aBudget(change func(*policyv1.PodDisruptionBudget)) *policyv1.PodDisruptionBudget {
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Generation: 1},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
		Status: policyv1.PodDisruptionBudgetStatus{
			ObservedGeneration: 1, DisruptionsAllowed: 1, CurrentHealthy: 3, DesiredHealthy: 2, ExpectedPods: 3,
		},
	}
	if change != nil {
		change(budget)
	}
	return budget
}

// usedUp allows no disruption.
func usedUp(b *policyv1.PodDisruptionBudget) {
	b.Status.DisruptionsAllowed, b.Status.CurrentHealthy = 0, 2
}

// aServer is a running and ready pod with the label app=web.
func aServer(change func(*corev1.Pod)) *corev1.Pod {
	return aPod(func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "web"}
		pod.Status.Phase = corev1.PodRunning
		pod.Status.Conditions[1].Status = corev1.ConditionTrue
		if change != nil {
			change(pod)
		}
	})
}

func unready(pod *corev1.Pod) { pod.Status.Conditions[1].Status = corev1.ConditionFalse }

// customWorld is a world in which pods and budgets are custom resources.
func customWorld(objs ...client.Object) *looptest.World {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(schema.GroupVersion{Group: "core.example.org", Version: "v1"}, &corev1.Pod{}, &corev1.PodList{})
	scheme.AddKnownTypes(schema.GroupVersion{Group: "policy.example.org", Version: "v1"},
		&policyv1.PodDisruptionBudget{}, &policyv1.PodDisruptionBudgetList{})
	w := looptest.NewWorld(scheme)
	w.Put(objs...)
	return w
}

// evict evicts a pod as it was decided on.
func evict(t *testing.T, w *looptest.World, pod client.Object) error {
	t.Helper()
	c := w.Client("drainer")
	return naming.Eviction{Client: c, Live: c, Now: w.Now}.Evict(t.Context(), pod)
}

func TestEvictionKeepsTheRulesOfTheSubresource(t *testing.T) {
	forbids := func(sentence string) func(error) bool {
		return func(err error) bool { return apierrors.IsForbidden(err) && causeOf(err) == sentence }
	}
	refuses := func(seconds int32, sentence string) func(error) bool {
		return func(err error) bool {
			var status apierrors.APIStatus
			return apierrors.IsTooManyRequests(err) && causeOf(err) == sentence &&
				errors.As(err, &status) && status.Status().Details.RetryAfterSeconds == seconds
		}
	}
	type budgets = []func(*policyv1.PodDisruptionBudget)
	for _, tt := range []struct {
		name    string
		pod     func(*corev1.Pod)
		budgets budgets
		fails   func(error) bool // nil: it does not
		charged bool
	}{
		{name: "evicts a pod without a budget"},
		{name: "evicts a pod that its budget allows, and charges it", budgets: budgets{nil}, charged: true},
		{name: "does not look at the budgets of others", budgets: budgets{func(b *policyv1.PodDisruptionBudget) {
			usedUp(b)
			b.Spec.Selector.MatchLabels["app"] = "db"
		}}},
		{name: "takes a budget without a selector for nobody's", budgets: budgets{func(b *policyv1.PodDisruptionBudget) {
			usedUp(b)
			b.Spec.Selector = nil
		}}},
		{name: "refuses when the budget is used up", budgets: budgets{usedUp},
			fails: refuses(0, "The disruption budget web needs 2 healthy pods and has 2 currently")},
		{name: "says why the budget allows nothing", budgets: budgets{func(b *policyv1.PodDisruptionBudget) {
			b.Status.DisruptionsAllowed = 0
			b.Status.Conditions = []metav1.Condition{{
				Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.SyncFailedReason, Message: "no scale",
			}}
		}}, fails: refuses(0, "The disruption budget web does not allow evicting pods currently because it failed sync: no scale")},
		{name: "refuses while the budget does not show what it allows", budgets: budgets{func(b *policyv1.PodDisruptionBudget) { b.Generation = 2 }},
			fails: refuses(10, "The disruption budget web is still being processed by the server.")},
		{name: "refuses a budget below zero", budgets: budgets{func(b *policyv1.PodDisruptionBudget) { b.Status.DisruptionsAllowed = -1 }},
			fails: forbids("The disruption budget web does not allow evicting pods currently: pdb disruptions allowed is negative")},
		{name: "refuses two budgets", budgets: budgets{nil, func(b *policyv1.PodDisruptionBudget) { b.Name = "more" }}, fails: apierrors.IsInternalError},
		{name: "needs no budget for a pending pod", pod: func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodPending }, budgets: budgets{usedUp}},
		{name: "needs no budget for a pod that has failed", pod: func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }, budgets: budgets{usedUp}},
		{name: "charges nothing for a pod that is not ready while enough others are", pod: unready, budgets: budgets{usedUp}},
		{name: "keeps a pod that is not ready while not enough others are", pod: unready, budgets: budgets{func(b *policyv1.PodDisruptionBudget) {
			usedUp(b)
			b.Status.CurrentHealthy = 1
		}}, fails: refuses(0, "The disruption budget web needs 2 healthy pods and has 1 currently")},
		{name: "unless the budget always allows it", pod: unready, budgets: budgets{func(b *policyv1.PodDisruptionBudget) {
			usedUp(b)
			always := policyv1.AlwaysAllow
			b.Status.CurrentHealthy, b.Spec.UnhealthyPodEvictionPolicy = 1, &always
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := customWorld(aServer(tt.pod))
			for _, change := range tt.budgets {
				w.Put(aBudget(change))
			}
			err := evict(t, w, stored(w))
			if tt.fails == nil && err != nil || tt.fails != nil && !tt.fails(err) {
				t.Errorf("ends with %v because %q", err, causeOf(err))
			}
			if exists := stored(w) != nil; exists != (tt.fails != nil) {
				t.Errorf("the pod exists: %t", exists)
			}
			for _, budget := range looptest.All[*policyv1.PodDisruptionBudget](w) {
				if _, charged := budget.Status.DisruptedPods["web"]; charged != tt.charged {
					t.Errorf("the budget is charged: %t, want %t", charged, tt.charged)
				}
			}
		})
	}
}

// causeOf is what the budget says.
func causeOf(err error) string {
	if cause, found := apierrors.StatusCause(err, policyv1.DisruptionBudgetCause); found {
		return cause.Message
	}
	return ""
}

func TestAChargedBudgetSaysSo(t *testing.T) {
	w := customWorld(aServer(nil), aBudget(nil))
	if err := evict(t, w, stored(w)); err != nil {
		t.Fatal(err)
	}
	status := looptest.All[*policyv1.PodDisruptionBudget](w)[0].Status
	condition := meta.FindStatusCondition(status.Conditions, policyv1.DisruptionAllowedCondition)
	if status.DisruptionsAllowed != 0 || condition == nil || condition.Reason != policyv1.InsufficientPodsReason {
		t.Errorf("the budget allows %d, with the condition %+v", status.DisruptionsAllowed, condition)
	}
	if at := status.DisruptedPods["web"]; !at.Time.Equal(w.Now()) {
		t.Errorf("the pod is disrupted since %s, want %s", at, w.Now())
	}
}

func TestAnEvictedPodSaysWhy(t *testing.T) {
	w := customWorld(aServer(nil))
	w.Graceful = func(client.Object) bool { return true }
	if err := evict(t, w, stored(w)); err != nil {
		t.Fatal(err)
	}
	pod := stored(w)
	if pod.DeletionTimestamp == nil {
		t.Error("the pod is not being deleted")
	}
	want := map[corev1.PodConditionType]corev1.ConditionStatus{
		"example.org/Approved":  corev1.ConditionTrue,
		corev1.PodReady:         corev1.ConditionTrue,
		corev1.DisruptionTarget: corev1.ConditionTrue,
	}
	if diff := cmp.Diff(want, conditionsOf(pod)); diff != "" {
		t.Errorf("conditions differ (-want +got):\n%s", diff)
	}
}

// TestAnEvictionThatIsInterrupted lets somebody write between the steps of an eviction.
func TestAnEvictionThatIsInterrupted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		at      string // the write of the drainer that somebody is faster than
		pod     func(*corev1.Pod)
		change  func(*looptest.World)
		allowed int32
		fails   func(error) bool
	}{
		{
			name: "tries again when the budget changes", at: "PodDisruptionBudget patch/status", allowed: 1,
			change: func(w *looptest.World) {
				looptest.Edit(w, "disruption", aBudget(nil), func(b *policyv1.PodDisruptionBudget) { b.Status.DisruptionsAllowed = 2 })
			},
		},
		{
			name: "charges the budget once when the pod changes", at: "Pod patch/status",
			change: func(w *looptest.World) {
				looptest.Edit(w, "user", aServer(nil), func(pod *corev1.Pod) { pod.Labels["tier"] = "front" })
			},
		},
		{
			name: "asks the budget again of a pod that gets ready", at: "Pod delete", pod: unready, allowed: 0,
			change: func(w *looptest.World) {
				looptest.Edit(w, "disruption", aBudget(nil), usedUp)
				looptest.Edit(w, "kubelet", aServer(nil), func(pod *corev1.Pod) { pod.Status.Conditions[1].Status = corev1.ConditionTrue })
			},
			fails: apierrors.IsTooManyRequests,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := customWorld(aServer(tt.pod), aBudget(nil))
			done := false
			w.Refuse = func(write looptest.Write) error {
				kind := strings.TrimPrefix(strings.SplitN(write.String(), " ", 3)[1], "*")
				if !done && write.By == "drainer" && kind+" "+write.Verb == tt.at {
					done = true
					tt.change(w)
				}
				return nil
			}
			err := evict(t, w, stored(w))
			if tt.fails == nil && err != nil || tt.fails != nil && !tt.fails(err) {
				t.Errorf("ends with %v", err)
			}
			if !done {
				t.Errorf("there was no %s", tt.at)
			}
			if exists := stored(w) != nil; exists != (tt.fails != nil) {
				t.Errorf("the pod exists: %t", exists)
			}
			if left := looptest.All[*policyv1.PodDisruptionBudget](w)[0].Status.DisruptionsAllowed; left != tt.allowed {
				t.Errorf("the budget allows %d, want %d", left, tt.allowed)
			}
		})
	}
}

func TestABudgetThatKeepsChangingIsARefusal(t *testing.T) {
	w := customWorld(aServer(nil), aBudget(nil))
	w.Refuse = func(write looptest.Write) error {
		if write.By == "drainer" && write.Verb == "patch/status" {
			looptest.Edit(w, "disruption", aBudget(nil), func(b *policyv1.PodDisruptionBudget) { b.Status.ExpectedPods++ })
		}
		return nil
	}
	if err := evict(t, w, stored(w)); !apierrors.IsTooManyRequests(err) || stored(w) == nil {
		t.Errorf("ends with %v, and the pod exists: %t", err, stored(w) != nil)
	}
}

func TestAnotherPodOfTheNameIsNotEvicted(t *testing.T) {
	for name, w := range bothWorlds() {
		t.Run(name, func(t *testing.T) {
			another := stored(w)
			another.UID = "another"
			if err := evict(t, w, another); !apierrors.IsConflict(err) {
				t.Errorf("ends with %v, want a conflict", err)
			}
			if stored(w) == nil {
				t.Error("the pod is gone")
			}
		})
	}
}

func TestAPodThatIsGoneIsNotFound(t *testing.T) {
	for name, w := range bothWorlds() {
		t.Run(name, func(t *testing.T) {
			pod := stored(w)
			if err := evict(t, w, pod); err != nil {
				t.Fatal(err)
			}
			if err := evict(t, w, pod); !apierrors.IsNotFound(err) {
				t.Errorf("ends with %v, want not found", err)
			}
		})
	}
}

// TestABuiltInPodIsEvictedByTheServer holds that nothing but the subresource is asked.
func TestABuiltInPodIsEvictedByTheServer(t *testing.T) {
	w := bothWorlds()["kubernetes"]
	var writes []string
	w.Wrote = func(write looptest.Write) { writes = append(writes, write.Verb) }
	grace := int64(7)
	w.Graceful = func(client.Object) bool { return true }
	c := w.Client("drainer")
	if err := (naming.Eviction{Client: c, Live: c, Now: time.Now, GracePeriodSeconds: &grace}).Evict(t.Context(), stored(w)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"create/eviction"}, writes); diff != "" {
		t.Errorf("writes differ (-want +got):\n%s", diff)
	}
	if got := stored(w).DeletionGracePeriodSeconds; got == nil || *got != grace {
		t.Errorf("the pod may take %v seconds, want %d", got, grace)
	}
	refused := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	w.Subresources["eviction"] = func(client.Object, client.Object) error { return refused }
	if err := evict(t, w, stored(w)); !apierrors.IsTooManyRequests(err) {
		t.Errorf("ends with %v, want what the server says", err)
	}
}

func TestEvictingWithoutAKindOfBudgetsIsAMistake(t *testing.T) {
	w := newWorld(t, "core.example.org", aServer(nil))
	if err := evict(t, w, stored(w)); err == nil || stored(w) == nil {
		t.Errorf("the pod is evicted (%v) although nobody could know what protects it", err)
	}
}

// bothWorlds hold the same ready pod, as a built-in kind and as a custom resource.
func bothWorlds() map[string]*looptest.World {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(corev1.SchemeGroupVersion, &corev1.Pod{}, &corev1.PodList{})
	scheme.AddKnownTypes(policyv1.SchemeGroupVersion, &policyv1.Eviction{})
	builtIn := looptest.NewWorld(scheme)
	builtIn.Put(aServer(nil))
	builtIn.Subresources = map[string]func(stored, body client.Object) error{
		"eviction": func(client.Object, client.Object) error { return nil },
	}
	return map[string]*looptest.World{"kubernetes": builtIn, "orrery": customWorld(aServer(nil))}
}
