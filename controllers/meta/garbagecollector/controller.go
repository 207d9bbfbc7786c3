package garbagecollector

import (
	"github.com/orrery-dev/orrery/controllers/internal/served"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// name names the loops of all kinds alike: in metrics, events and as a field manager they are one controller.
const name = "garbagecollector"

// loopOf is the loop for the objects of one kind.
func loopOf(kind schema.GroupVersionKind, known catalogue) loop.Loop {
	prototype := metadataOf(kind)
	return loop.New[*metav1.PartialObjectMetadata, world](name, &controller{known: known},
		loop.Of(prototype),
		loop.Indexes(prototype, uidField, indexUID),
		loop.Indexes(prototype, ownerField, indexOwners),
	)
}

// controller decides for the objects of any kind.
type controller struct {
	known    catalogue
	reported reports
}

// catalogue is what is known of kinds.
type catalogue interface {
	// find is the watched kind of a name, in whatever version; known is false if the server has no such kind, and read
	// if not all of its objects have been read yet.
	find(schema.GroupKind) (kind served.Kind, known, read bool)
	// all are the kinds that are watched.
	all() []served.Kind
	// died reports that an object's end was seen.
	died(types.UID) bool
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(kind)
	return obj
}
