package plan

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// hooks are the events that a step records about each of its objects; a nil one records none.
type hooks struct {
	succeeded func(client.Object) Event
	failed    func(client.Object, error) Event
}

// record tells how the write of one object went. What ends a pass quietly is no failure: the loop observes anew after a
// conflict, and nobody misses what was to be made in a namespace that goes away.
func (h hooks) record(act Actor, obj client.Object, err error) {
	switch {
	case err == nil && h.succeeded != nil:
		act.Record(h.succeeded(obj))
	case err != nil && h.failed != nil && !apierrors.IsConflict(err) && !NamespaceTerminating(err):
		act.Record(h.failed(obj, err))
	}
}
