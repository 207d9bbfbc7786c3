package objects

import (
	"context"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestTrustBundlesAreReadAgainWhenNoneIsFoundOrTheyAreOld(t *testing.T) {
	lists := 0
	c := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			lists++
			return c.List(ctx, list, opts...)
		},
	}).Build()
	clock := testingclock.NewFakePassiveClock(time.Unix(1000, 0))
	s := New(c, clock)
	for _, step := range []struct {
		name, creates, wants string
		later                time.Duration
		found, lists         int
	}{
		{name: "none is there", wants: "a", found: 0, lists: 1},
		{name: "it was made at once after that", creates: "a", wants: "a", found: 1, lists: 2},
		{name: "it is remembered", wants: "a", found: 1, lists: 2},
		{name: "another is new", creates: "b", wants: "b", found: 1, lists: 3},
		{name: "what is remembered gets old", wants: "b", later: TTL, found: 1, lists: 4},
	} {
		clock.SetTime(clock.Now().Add(step.later))
		if step.creates != "" {
			if err := c.Create(t.Context(), &certificatesv1.ClusterTrustBundle{ObjectMeta: metav1.ObjectMeta{Name: step.creates}}); err != nil {
				t.Fatal(err)
			}
		}
		found, err := s.TrustBundles(t.Context(), func(b *certificatesv1.ClusterTrustBundle) bool { return b.Name == step.wants })
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != step.found || lists != step.lists {
			t.Errorf("%s: %d are found after %d lists, want %d after %d", step.name, len(found), lists, step.found, step.lists)
		}
	}
}
