package garbagecollector

import (
	"context"
	"fmt"
	"sync"

	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
)

// reasonInvalidNamespace is the reason of the Warning about an owner that is in a namespace where it cannot be.
const reasonInvalidNamespace = "OwnerRefInvalidNamespace"

// report records, once for an object, that one of its owners is in another namespace.
func (c *controller) report(p *plan.Plan, obj *metav1.PartialObjectMetadata, w world) {
	if w.reported {
		return
	}
	for _, owner := range w.owners {
		if owner.elsewhere || owner.state == invalid {
			p.Do(&warn{obj: obj, owner: owner, reported: &c.reported})
			return
		}
	}
}

// warn records the event, and that it has been.
type warn struct {
	obj      *metav1.PartialObjectMetadata
	owner    owner
	reported *reports
}

func (s *warn) Verb() string { return "event" }
func (s *warn) String() string {
	return "event Warning " + reasonInvalidNamespace + " for " + path(s.obj)
}

func (s *warn) Why() string {
	ref := s.owner.OwnerReference
	return fmt.Sprintf("ownerRef [%s/%s, namespace: %s, name: %s, uid: %s] does not exist in namespace %q",
		ref.APIVersion, ref.Kind, s.obj.Namespace, ref.Name, ref.UID, s.obj.Namespace)
}

func (s *warn) Do(_ context.Context, act plan.Actor) error {
	act.Record(plan.Event{Regarding: s.obj, Type: plan.Warning, Reason: reasonInvalidNamespace, Message: s.Why()})
	s.reported.add(s.obj.UID)
	return nil
}

// reports remembers which objects were reported, so that one that nobody mends is not reported for ever. The zero value
// remembers none.
type reports struct {
	once sync.Once
	uids *lru.Cache
}

func (r *reports) cache() *lru.Cache {
	r.once.Do(func() { r.uids = lru.New(obituaries) })
	return r.uids
}

func (r *reports) add(uid types.UID) { r.cache().Add(uid, nil) }

func (r *reports) has(uid types.UID) bool {
	_, reported := r.cache().Get(uid)
	return reported
}
