package apiserver

import (
	"context"
	"errors"
	"testing"

	"github.com/go-logr/logr"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/orrery-dev/orrery/internal/await"
)

func TestAPostStartHookThatFailsEndsItsServerAndNotTheProcess(t *testing.T) {
	s := &Server{
		options: Options{DataDir: t.TempDir(), Ephemeral: true, Logger: logr.Discard()},
		failed:  make(chan error, 1), settled: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}),
	}
	if _, err := s.options.complete(); err != nil {
		t.Fatal(err)
	}
	s.listener, s.url = join(s.options.Listener), localURL(s.options.Listener)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(t.Context()))
	s.cancel = cancel
	defer cancel(nil)
	server, err := s.prepare(ctx)
	if err != nil {
		t.Fatal(errors.Join(err, s.release()))
	}
	if err := server.GenericAPIServer.AddPostStartHook("comet", func(genericapiserver.PostStartHookContext) error {
		return errors.New("it missed")
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.run(ctx, server); err != nil {
		t.Fatal(err)
	}
	waiting, stop := context.WithTimeout(t.Context(), await.Deadline)
	defer stop()
	if err := s.WaitReady(waiting); !errors.Is(err, errHook) || !errors.Is(err, ErrStopped) {
		t.Errorf("waiting for it ends with %v, want that a hook failed", err)
	}
	if err := s.Err(); !errors.Is(err, errHook) {
		t.Errorf("it ended with %v, want that a hook failed", err)
	}
}
