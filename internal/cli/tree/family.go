package tree

import (
	"context"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/internal/cli/objects"
)

// Family is an object with all that it owns, whenever it comes to own it. It is not safe for concurrent use.
type Family struct {
	ground Ground
	root   *metav1.PartialObjectMetadata
	known  map[member]bool
	others map[member]time.Time // when it was found that they are none
}

// freshFor is how long an object that is not of the family is not asked for again: there may be many events about it.
const freshFor = time.Second

type member struct{ kind, namespace, name string }

// Family is that of an object, which has to be there.
func (g Ground) Family(ctx context.Context, kind objects.Kind, namespace, name string) (*Family, error) {
	root, err := g.Metadata(ctx, kind, namespace, name)
	if err != nil {
		return nil, err
	}
	f := &Family{ground: g, root: root, known: map[member]bool{}, others: map[member]time.Time{}}
	f.known[member{root.Kind, root.Namespace, root.Name}] = true
	return f, nil
}

// Has reports that an object is of the family. Once it was found to be it stays so, also when it is gone; one that was gone
// before anybody asked is of no family that can be known.
func (f *Family) Has(ctx context.Context, kind, namespace, name string) bool {
	of := member{kind, namespace, name}
	if f.known[of] {
		return true
	}
	if f.root.Namespace != "" && namespace != f.root.Namespace || time.Since(f.others[of]) < freshFor {
		return false
	}
	if f.looksUp(ctx, of) {
		f.known[of] = true
	} else {
		f.others[of] = time.Now()
	}
	return f.known[of]
}

func (f *Family) looksUp(ctx context.Context, of member) bool {
	kind, err := f.ground.Kind(strings.ToLower(of.kind))
	if err != nil {
		return false
	}
	object, err := f.ground.Metadata(ctx, kind, of.namespace, of.name)
	return err == nil && f.descends(ctx, object, map[types.UID]bool{})
}

// descends follows all owners of an object up. Those on the way were asked for already, and are not again.
func (f *Family) descends(ctx context.Context, object *metav1.PartialObjectMetadata, asked map[types.UID]bool) bool {
	for _, owner := range object.OwnerReferences {
		if owner.UID == f.root.UID || f.known[member{owner.Kind, object.Namespace, owner.Name}] {
			return true
		}
		if asked[owner.UID] {
			continue
		}
		asked[owner.UID] = true
		version, err := schema.ParseGroupVersion(owner.APIVersion)
		if err != nil {
			continue
		}
		kind, err := f.ground.Of(version.Group, owner.Kind)
		if err != nil {
			continue
		}
		above, err := f.ground.Metadata(ctx, kind, object.Namespace, owner.Name)
		if err == nil && above.UID == owner.UID && f.descends(ctx, above, asked) {
			return true
		}
	}
	return false
}
