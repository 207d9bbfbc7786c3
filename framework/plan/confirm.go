package plan

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// confirm looks at the API server itself right before a step writes: the cache that the decision was made from may not know
// yet what overturns it. Nil confirms everything.
type confirm func(ctx context.Context, live client.Reader) error

func (c confirm) holds(ctx context.Context, act Actor) error {
	if c == nil {
		return nil
	}
	return c(ctx, act.Live())
}
