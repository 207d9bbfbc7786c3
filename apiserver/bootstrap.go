package apiserver

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
)

// bootstrapHook is the name of our post-start hook, as /readyz?verbose shows it.
const bootstrapHook = "orrery-bootstrap"

// bootstrapParallel bounds how many objects are written at once.
const bootstrapParallel = 8

// bootstrapHook writes what the control plane needs before it is ready. A failure brings the server down by our own
// way: an error returned from here would end the process.
func (s *Server) bootstrapHook(hook genericapiserver.PostStartHookContext) error {
	end := s.begin(PhaseBootstrap)
	err := s.bootstrap(hook)
	end(err)
	if err != nil && hook.Err() == nil {
		s.fail(fmt.Errorf("bootstrapping the API server: %w", err))
		<-hook.Done()
	}
	return nil
}

func (s *Server) bootstrap(ctx context.Context) error {
	config := rest.CopyConfig(s.loopback)
	config.QPS = -1
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return ensureRoles(ctx, config, s.options.NodesJoin, s.Peered()) })
	tasks.Go(func() error { return ensurePriorityClasses(ctx, config) })
	tasks.Go(func() error { return ensureAPIServices(ctx, config, s.options.Groups) })
	if s.options.TwoNames {
		tasks.Go(func() error { return ensureDefinitions(ctx, config) })
	}
	return tasks.Wait()
}

// each calls do for every item, several at once, and returns all errors.
func each[T any](ctx context.Context, items []T, do func(context.Context, *T) error) error {
	errs := make([]error, len(items))
	var tasks errgroup.Group
	tasks.SetLimit(bootstrapParallel)
	for i := range items {
		tasks.Go(func() error {
			errs[i] = do(ctx, &items[i])
			return nil
		})
	}
	return errors.Join(tasks.Wait(), errors.Join(errs...))
}
