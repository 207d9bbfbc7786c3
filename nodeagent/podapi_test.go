package nodeagent

import (
	"context"
	"testing"

	k8scorev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/apis"
	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

func TestStatusIsWrittenThroughFaults(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run("under the naming "+naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			stored := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "uid"}}
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
			api := &podAPI{client: c, written: map[types.UID]*corev1.Pod{}}
			seen := &corev1.Pod{}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), seen); err != nil {
				t.Fatal(err)
			}
			pod := (*k8scorev1.Pod)(seen)
			wanted := &k8scorev1.PodStatus{Phase: k8scorev1.PodRunning, Conditions: []k8scorev1.PodCondition{{Type: k8scorev1.PodReady, Status: k8scorev1.ConditionTrue}}}

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
				other.Status.Conditions = []k8scorev1.PodCondition{{Type: k8scorev1.DisruptionTarget, Status: k8scorev1.ConditionTrue}}
				if err := c.Status().Update(t.Context(), other); err != nil {
					t.Error(err)
				}
			}
			if err := api.WriteStatus(t.Context(), pod, wanted); err != nil {
				t.Fatal(err)
			}
			got := &corev1.Pod{}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), got); err != nil {
				t.Fatal(err)
			}
			if got.Status.Phase != k8scorev1.PodRunning || len(got.Status.Conditions) != 2 || got.Status.Conditions[0].Type != k8scorev1.DisruptionTarget {
				t.Errorf("the status is %+v", got.Status)
			}

			// Another pod of that name is not ours to write to or to delete.
			if err := c.Delete(t.Context(), got); err != nil {
				t.Fatal(err)
			}
			next := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "next"}}
			if err := c.Create(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			if err := api.WriteStatus(t.Context(), pod, &k8scorev1.PodStatus{Phase: k8scorev1.PodFailed}); err != nil {
				t.Fatal(err)
			}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(stored), got); err != nil || got.Status.Phase == k8scorev1.PodFailed {
				t.Errorf("the other pod is %+v (%v)", got.Status, err)
			}
		})
	}
}
