package servers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// check asks all servers how they are, again and again, until ctx ends.
func (b *Balancer) check(ctx context.Context) {
	ticker := time.NewTicker(checkPause)
	defer ticker.Stop()
	for {
		b.checkAll(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// checkAll asks each of them once. Where there is one only, there is nothing to choose.
func (b *Balancer) checkAll(ctx context.Context) {
	b.mu.Lock()
	servers := slices.Clone(b.servers)
	b.mu.Unlock()
	if len(servers) < 2 {
		return
	}
	var asking sync.WaitGroup
	for _, s := range servers {
		asking.Go(func() {
			if err := b.ask(ctx, s.address); ctx.Err() == nil {
				b.judge(s, err)
			}
		})
	}
	asking.Wait()
}

// ask is why a server is not ready; nil if it is. One that does not tell who has no name is taken at its word that it is there.
func (b *Balancer) ask(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking %s: %w", address, err)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close() // the status says it
	switch response.StatusCode {
	case http.StatusOK, http.StatusUnauthorized, http.StatusForbidden:
		return nil
	default:
		return fmt.Errorf("it answers %s", response.Status)
	}
}

// judge notes how a server was found. The connections to one that is not well for long are ended, unless there is none that is.
func (b *Balancer) judge(s *server, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		if s.failed > 0 {
			b.options.Log.Info("An API server is well again", "server", s.address)
		}
		s.failed = 0
		return
	}
	s.failed++
	if s.failed == 1 && !s.gone {
		b.options.Log.Info("An API server is not well", "server", s.address, "reason", err.Error())
	}
	if s.failed >= failures && slices.ContainsFunc(b.servers, func(other *server) bool { return other.failed == 0 }) {
		s.end()
	}
}
