package loop_test

import (
	"context"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAReviewIsAnsweredAndNotStored(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, authorizationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := newStageOf(scheme)
	s.Reviews = map[string]func(client.Object) error{"SubjectAccessReview": func(question client.Object) error {
		review := question.(*authorizationv1.SubjectAccessReview)
		review.Status.Allowed = review.Spec.User == "jane"
		return nil
	}}
	allowed := map[string]bool{}
	s.observe = func(ctx context.Context, view loop.View, _ *corev1.Pod) error {
		for _, user := range []string{"jane", "joe"} {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user}}
			if err := view.Review(ctx, review); err != nil {
				return err
			}
			allowed[user] = review.Status.Allowed
		}
		return nil
	}
	s.mustPass(t)
	if !allowed["jane"] || allowed["joe"] {
		t.Errorf("allowed are %v, want jane alone", allowed)
	}
	if stored := looptest.All[*authorizationv1.SubjectAccessReview](s.World); len(stored) > 0 {
		t.Errorf("stored are %v", stored)
	}
	s.mustPass(t) // it waits for no answer to show in the cache
	if s.planned != 2 {
		t.Errorf("planned %d times, want twice", s.planned)
	}
}

func TestAReviewTakesAServer(t *testing.T) {
	world := looptest.NewWorld(runtime.NewScheme())
	view := loop.NewView(struct{ client.Reader }{world.Client("tester")}, nil, world.Now())
	err := view.Review(t.Context(), &authorizationv1.SubjectAccessReview{})
	if err == nil || !strings.Contains(err.Error(), "reader of objects only") {
		t.Errorf("got %v, want that there is nobody to ask", err)
	}
}
