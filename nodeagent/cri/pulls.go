package cri

import (
	"context"
	"errors"

	"k8s.io/client-go/util/flowcontrol"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// PullLimits spare the registries and the machine. The zero value limits nothing.
type PullLimits struct {
	// QPS is how many pulls may begin in a second, and Burst how many at once after a while without any. 0 is any number.
	QPS   float32
	Burst int
	// Parallel is how many pulls may be under way. The others wait for their turn. 0 is any number.
	Parallel int
}

// errPullQPS is the kubelet's.
var errPullQPS = errors.New("pull QPS exceeded")

// WithPullLimits returns the runtime with pulls that wait for their turn, and then fail where there were too many of late.
func WithPullLimits(runtime Runtime, limits PullLimits) Runtime {
	p := &pulling{Runtime: runtime, rate: flowcontrol.NewFakeAlwaysRateLimiter()}
	if limits.QPS > 0 {
		p.rate = flowcontrol.NewTokenBucketRateLimiter(limits.QPS, limits.Burst)
	}
	if limits.Parallel > 0 {
		p.turns = make(chan struct{}, limits.Parallel)
	}
	return around(p, runtime)
}

type pulling struct {
	Runtime
	rate flowcontrol.RateLimiter
	// turns has an entry for each pull that is under way; nil where any number may be.
	turns chan struct{}
}

func (p *pulling) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	if p.turns != nil {
		select {
		case p.turns <- struct{}{}:
			defer func() { <-p.turns }()
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	if !p.rate.TryAccept() {
		return "", errPullQPS
	}
	return p.Runtime.PullImage(ctx, image, auth, sandbox)
}
