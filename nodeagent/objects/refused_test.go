package objects

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// authorizer refuses the first requests of each kind, as one does that has not heard of the pod yet.
type authorizer struct{ refuses, asked int }

func (a *authorizer) ask(resource, name string) error {
	if a.asked++; a.asked <= a.refuses {
		return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, name, nil)
	}
	return nil
}

// client is one whose requests the authorizer judges.
func (a *authorizer) client() client.WithWatch {
	objects := fake.NewClientBuilder().WithObjects(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "password"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "default"}},
	).Build()
	return interceptor.NewClient(objects, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
			if err := a.ask("secrets", key.Name); err != nil {
				return err
			}
			return c.Get(ctx, key, into, options...)
		},
		SubResourceCreate: func(_ context.Context, _ client.Client, _ string, of, made client.Object, _ ...client.SubResourceCreateOption) error {
			made.(*authenticationv1.TokenRequest).Status.Token = "token"
			return a.ask("serviceaccounts", of.GetName())
		},
	})
}

func TestAPodWhoseServerHasNotHeardOfItGetsWhatItRefersTo(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "web"}}
	for name, read := range map[string]func(ctx context.Context, c client.WithWatch) error{
		"a Secret": func(ctx context.Context, c client.WithWatch) error {
			return c.Get(ctx, client.ObjectKey{Namespace: "n", Name: "password"}, &corev1.Secret{})
		},
		"a token": func(ctx context.Context, c client.WithWatch) error {
			_, err := NewTokens(c, "v1").Request(ctx, pod, "", time.Hour)
			return err
		},
	} {
		for _, test := range []struct {
			refuses, asked int
			forbidden      bool
		}{
			{refuses: 0, asked: 1},
			{refuses: 1, asked: 2},
			{refuses: 6, asked: 7},
			{refuses: 100, asked: 7, forbidden: true},
		} {
			synctest.Test(t, func(t *testing.T) {
				a := &authorizer{refuses: test.refuses}
				began := time.Now()
				err := read(t.Context(), Patient(a.client()))
				if apierrors.IsForbidden(err) != test.forbidden || !test.forbidden && err != nil {
					t.Errorf("%s that is refused %d times: %v", name, test.refuses, err)
				}
				if a.asked != test.asked || time.Since(began) > 2*time.Second {
					t.Errorf("%s that is refused %d times was asked for %d times in %v, want %d times in about a second at most",
						name, test.refuses, a.asked, time.Since(began), test.asked)
				}
			})
		}
	}
}

func TestWhatIsNotThereIsAskedForOnce(t *testing.T) {
	a := &authorizer{}
	err := Patient(a.client()).Get(t.Context(), client.ObjectKey{Namespace: "n", Name: "none"}, &corev1.Secret{})
	if !apierrors.IsNotFound(err) || a.asked != 1 {
		t.Errorf("asked %d times: %v", a.asked, err)
	}
}

func TestWhoStopsIsNotHeldUpByARefusal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := &authorizer{refuses: 100}
	c := interceptor.NewClient(a.client(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
			defer cancel()
			return c.Get(ctx, key, into, options...)
		},
	})
	if err := Patient(c).Get(ctx, client.ObjectKey{Namespace: "n", Name: "password"}, &corev1.Secret{}); !apierrors.IsForbidden(err) || a.asked != 1 {
		t.Errorf("asked %d times: %v", a.asked, err)
	}
}
