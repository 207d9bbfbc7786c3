package loop

import (
	"errors"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// behindError ends a pass because the cache does not show the loop's own writes yet.
type behindError struct{ wait time.Duration }

func (e *behindError) Error() string { return "the cache is behind this loop's own writes" }

// judge is what the answers of an API server mean for a loop.
func judge(err error) (label string, marked error) {
	var behind *behindError
	switch delay, throttled := apierrors.SuggestsClientDelay(err); {
	case errors.As(err, &behind):
		return "behind", engine.Wait(behind.wait, err)
	case plan.NamespaceTerminating(err):
		return "namespace_terminating", nil
	case apierrors.IsConflict(err):
		return "conflict", engine.Retry(err)
	case throttled && delay > 0:
		return "throttled", engine.Wait(time.Duration(delay)*time.Second, err)
	default:
		return "", err
	}
}
