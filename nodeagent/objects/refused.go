package objects

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// refused says how often, and after which waits, an API server is asked again that refuses: about a second in all.
var refused = wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Steps: 7}

// Patient returns a client whose reads, and requests for tokens, are made again for about a second while they are forbidden. A node may
// read what its pods refer to, and both it and the API server's Node authorizer learn of a pod by a watch, each by its own: where the node
// is first, it is refused what it is allowed a moment later. The error is that of the last request.
func Patient(c client.WithWatch) client.WithWatch {
	return interceptor.NewClient(c, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
			return allowed(ctx, func() error { return c.Get(ctx, key, into, options...) })
		},
		SubResourceCreate: func(ctx context.Context, c client.Client, name string, of, made client.Object, options ...client.SubResourceCreateOption) error {
			return allowed(ctx, func() error { return c.SubResource(name).Create(ctx, of, made, options...) })
		},
	})
}

// allowed makes a request until it is not forbidden.
func allowed(ctx context.Context, request func() error) error {
	var err error
	_ = wait.ExponentialBackoffWithContext(ctx, refused, func(context.Context) (bool, error) { // what it returns says only that err is the last
		err = request()
		return !apierrors.IsForbidden(err), nil
	})
	return err
}
