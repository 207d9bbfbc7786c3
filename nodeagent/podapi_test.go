package nodeagent

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

func TestStatusIsWrittenThroughFaults(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run("under the naming "+naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			stored := &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "uid"}}
			var fault error
			var meanwhile func(client.Client)
			c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(stored).WithStatusSubresource(stored).WithInterceptorFuncs(interceptor.Funcs{
				SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
					if fault != nil {
						return fault
					}
					if meanwhile != nil {
						change := meanwhile
						meanwhile = nil
						change(c)
					}
					return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
				},
			}).Build()
			api := &podAPI{client: c, written: map[types.UID]*ocorev1.Pod{}}
			seen := &ocorev1.Pod{}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), seen); err != nil {
				t.Fatal(err)
			}
			pod := (*corev1.Pod)(seen)
			wanted := &corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}

			for _, err := range []error{apierrors.NewTooManyRequests("later", 1), apierrors.NewInternalError(context.DeadlineExceeded)} {
				fault = err
				if got := api.WriteStatus(t.Context(), pod, wanted); got == nil {
					t.Errorf("a write that ended with %v was taken for done", err)
				}
			}
			fault = nil
			// Another controller adds a condition after we have read the pod: ours is written beside it, not over it.
			meanwhile = func(c client.Client) {
				other := seen.DeepCopy()
				other.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}
				if err := c.Status().Update(t.Context(), other); err != nil {
					t.Error(err)
				}
			}
			if err := api.WriteStatus(t.Context(), pod, wanted); err != nil {
				t.Fatal(err)
			}
			got := &ocorev1.Pod{}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), got); err != nil {
				t.Fatal(err)
			}
			if got.Status.Phase != corev1.PodRunning || len(got.Status.Conditions) != 2 || got.Status.Conditions[0].Type != corev1.DisruptionTarget {
				t.Errorf("the status is %+v", got.Status)
			}

			// What the node itself does to the pod takes the place of what others have announced.
			evicted := wanted.DeepCopy()
			evicted.Conditions = append(evicted.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet})
			if err := api.WriteStatus(t.Context(), pod, evicted); err != nil {
				t.Fatal(err)
			}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), got); err != nil {
				t.Fatal(err)
			}
			if len(got.Status.Conditions) != 2 || got.Status.Conditions[1].Reason != corev1.PodReasonTerminationByKubelet {
				t.Errorf("the conditions are %+v", got.Status.Conditions)
			}

			// Another pod of that name is not ours to write to or to delete.
			if err := c.Delete(t.Context(), got); err != nil {
				t.Fatal(err)
			}
			next := &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "next"}}
			if err := c.Create(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			if err := api.WriteStatus(t.Context(), pod, &corev1.PodStatus{Phase: corev1.PodFailed}); err != nil {
				t.Fatal(err)
			}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), got); err != nil || got.Status.Phase == corev1.PodFailed {
				t.Errorf("the other pod is %+v (%v)", got.Status, err)
			}
		})
	}
}
