package namespace

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// failing fails every third list: of three kinds there is one, whenever all are listed.
type failing struct {
	client.Reader
	lists atomic.Int32
}

func (f *failing) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if f.lists.Add(1)%3 == 0 {
		return apierrors.NewInternalError(errors.New("a fault that the test made"))
	}
	return f.Reader.List(ctx, list, opts...)
}

func TestANamespaceGoesThoughNoPassCanListEveryKind(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	w := looptest.NewWorld(scheme)
	likeAServer(w)
	w.Put(
		&corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: "a", Finalizers: []string{held}},
			Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
		},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "settings"}},
	)
	if err := w.Client("user").Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}}); err != nil {
		t.Fatal(err)
	}
	c := w.Client("namespace-controller")
	passes := Loop(Options{Kinds: kindsUnder(apis.Kubernetes)}).Reconciler(loop.Cluster{Client: c, Live: &failing{Reader: c}, Clock: w.Clock(), SideBySide: 1})
	for range 20 {
		result, err := passes.Reconcile(context.Background(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(looptest.All[*corev1.Namespace](w)) == 0 {
			return
		}
		w.Step(result.RequeueAfter)
	}
	t.Errorf("it is still there: %v", looptest.All[*corev1.Namespace](w)[0].Status.Conditions)
}

func TestEmptiedKindsAreThoseOfOneNamespace(t *testing.T) {
	secrets := kinds.Kind{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Secret"), Resource: "secrets"}
	found := []content{{kind: secrets, listed: true}}
	for _, test := range []struct {
		name string
		have *emptied
		want int
	}{
		{"at first every kind is listed", (*emptied)(nil).of("one"), 1},
		{"one that was empty is not listed again", (*emptied)(nil).of("one").with(found), 0},
		{"but it is in the next namespace of the name", (*emptied)(nil).of("one").with(found).of("two"), 1},
		{"one that could not be listed is", (*emptied)(nil).of("one").with([]content{{kind: secrets, err: errors.New("no")}}), 1},
		{"one that has just gone is, if it comes back", (*emptied)(nil).of("one").with([]content{{kind: secrets}}), 1},
		{"one of which something is left is", (*emptied)(nil).of("one").with([]content{{kind: secrets, listed: true, objects: make([]metav1.PartialObjectMetadata, 1)}}), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if rest := test.have.rest([]kinds.Kind{secrets}); len(rest) != test.want {
				t.Errorf("it lists %v", rest)
			}
		})
	}
}
