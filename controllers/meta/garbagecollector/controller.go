package garbagecollector

import (
	"context"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// name names the loops of all kinds alike: in metrics, events and as a field manager they are one controller.
const name = "garbagecollector"

// loopOf is the loop for the objects of one kind. It is the graph that wakes it, so it is run by its Reconciler alone.
func loopOf(kind schema.GroupVersionKind, known catalogue) loop.Loop {
	prototype := metadataOf(kind)
	return loop.New[*metav1.PartialObjectMetadata, world](name, &controller{known: known},
		loop.Of(prototype),
		loop.Indexes(prototype, uidField, indexUID),
		loop.Indexes(prototype, ownerField, indexOwners),
		loop.WatchesRaw(byTheGraph),
	)
}

// byTheGraph stands in a loop's declaration for the graph, which wakes objects of all kinds in one queue. It starts
// nothing: see Collector.
var byTheGraph = source.Func(func(context.Context, workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	return nil
})

// controller decides for the objects of any kind.
type controller struct {
	known    catalogue
	reported reports
}

// catalogue is what is known of kinds.
type catalogue interface {
	// find is the watched kind of a name, in whatever version; known is false if the server has no such kind, and read
	// if not all of its objects have been read yet.
	find(schema.GroupKind) (kind kinds.Kind, known, read bool)
	// all are the kinds that are watched.
	all() []kinds.Kind
	// died reports that an object's end was seen.
	died(types.UID) bool
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(kind)
	return obj
}
