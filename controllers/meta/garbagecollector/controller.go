package garbagecollector

import (
	"strings"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// name is the loop's name in metrics and events, and as a field manager.
const name = "garbage-collector-controller"

// workers is for how many objects passes are made side by side: one that deletes waits for the API server.
const workers = 8

// Any kind can have owners, one that is defined tomorrow too, so no list of kinds would do. The collector reads metadata
// only, which RBAC has no word for. It never creates, and writes by patches of ownerReferences and finalizers alone.
//
// +kubebuilder:rbac:groups=*,resources=*,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Loop returns the loop for the objects of all kinds of a source. Its keys are those of [Key]. It can be added to one
// manager, since what it reads comes from a graph of its own.
func Loop(source kinds.Source) loop.Loop {
	monitors := newMonitors(source)
	return loop.NewGroup(name, Controller{known: monitors}, loop.Workers(workers), loop.ReadsFrom(monitors.open))
}

// Controller decides for the objects of any kind.
type Controller struct{ known catalogue }

var _ loop.GroupController[world] = Controller{}

// catalogue is what is known of kinds, and of objects besides what they are now.
type catalogue interface {
	// find is the watched kind of a name, in whatever version; known is false if the server has no such kind, and read
	// if not all of its objects have been read yet.
	find(name schema.GroupKind) (kind kinds.Kind, known, read bool)
	// kindsOwnedBy are the kinds of the objects that have a reference to a UID.
	kindsOwnedBy(owner types.UID) []schema.GroupVersionKind
	// died is where the object with a UID was found, if its end was seen, or the API server has said that it is not there.
	died(uid types.UID) (at id, died bool)
	// bury notes that the API server has no object with a UID there.
	bury(uid types.UID, at id)
}

// id is where an object is found.
type id struct {
	Kind schema.GroupVersionKind
	client.ObjectKey
}

// Key is the key of the loop for an object: its namespace, and KIND.GROUP/NAME, as in "Deployment.apps/web".
func Key(kind schema.GroupKind, object client.ObjectKey) client.ObjectKey {
	return client.ObjectKey{Namespace: object.Namespace, Name: kind.String() + "/" + object.Name}
}

// objectOf is the object that a key is of.
func objectOf(key client.ObjectKey) (schema.GroupKind, client.ObjectKey) {
	kind, object, _ := strings.Cut(key.Name, "/")
	return schema.ParseGroupKind(kind), client.ObjectKey{Namespace: key.Namespace, Name: object}
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(kind)
	return obj
}
