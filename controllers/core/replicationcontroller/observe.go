package replicationcontroller

import (
	"context"
	"errors"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
)

// world is what a ReplicationController has, and what it might have.
type world struct{ replicacontrol.World }

// setOf is a ReplicationController as a set of pods.
func setOf(rc *ocorev1.ReplicationController) replicacontrol.Set {
	return replicacontrol.Set{
		Owner: rc, Replicas: rc.Spec.Replicas, Selector: selectorOf(rc), Template: rc.Spec.Template, MinReadySeconds: rc.Spec.MinReadySeconds,
	}
}

var errNoTemplate = errors.New("it has no template, which the API requires")

// Observe reads the pods that rc controls and those that it could adopt.
func (Controller) Observe(ctx context.Context, view loop.View, rc *ocorev1.ReplicationController) (world, error) {
	if rc.Spec.Template == nil {
		return world{}, plan.StopAbout(rc, podcontrol.ReasonFailedCreate, fmt.Errorf("reading ReplicationController %s/%s: %w", rc.Namespace, rc.Name, errNoTemplate))
	}
	w, err := replicacontrol.Observe(ctx, view, setOf(rc))
	return world{w}, err
}
