package nodeagent

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// An API server answers 409 to a deletion for more reasons than that the pod is another one.
func TestADeletionIsOverOnlyWhenThePodIsGone(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}}
	other := pod.DeepCopy()
	other.UID = "2"
	for name, c := range map[string]struct {
		stored *corev1.Pod
		over   bool
	}{
		"the pod is there":    {pod, false},
		"the pod is gone":     {nil, true},
		"the name is another": {other, true},
	} {
		t.Run(name, func(t *testing.T) {
			builder := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
				Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error {
					return apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web", errors.New("somebody else was faster"))
				},
			})
			if c.stored != nil {
				builder = builder.WithObjects((*ocorev1.Pod)(c.stored.DeepCopy()))
			}
			api := &podAPI{client: builder.Build()}
			if err := api.Delete(t.Context(), pod); (err == nil) != c.over {
				t.Errorf("the deletion answered %v, want it to be over: %v", err, c.over)
			}
		})
	}
}
