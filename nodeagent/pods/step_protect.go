package pods

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// protect has network policies hold for the addresses of a sandbox.
type protect struct {
	sandbox string
	ips     []string
	reason
	underWay
}

const protectTask = "have network policies hold"

func (s *protect) Verb() string { return "protect" }
func (s *protect) String() string {
	return "have network policies hold for " + strings.Join(s.ips, ", ")
}
func (s *protect) Task() string { return protectTask }

func (s *protect) Do(ctx context.Context, a *actor) error {
	if err := a.Protect(ctx, a.pod(), s.ips); err != nil {
		if ctx.Err() == nil {
			a.event("", corev1.EventTypeWarning, "NetworkNotReady", fmt.Sprintf("network is not ready: %v", err))
		}
		return err
	}
	a.remember(func(m *Memory) { m.Protected = s.sandbox })
	return nil
}
