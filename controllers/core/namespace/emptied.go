package namespace

import (
	"maps"
	"slices"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// emptied are the kinds of which nothing was left in a namespace when every API server knew of its deletion. None lets anything in
// from then on, so nothing will be: where one list in five fails, no pass would find all kinds empty at once. Nil are none.
type emptied struct {
	namespace types.UID
	kinds     map[schema.GroupVersionResource]bool
}

// of are those of a namespace, which may not be the one of this name that was looked at before.
func (e *emptied) of(namespace types.UID) *emptied {
	if e == nil || e.namespace != namespace {
		return &emptied{namespace: namespace}
	}
	return e
}

// with are these and the kinds that turned out to be empty.
func (e *emptied) with(contents []content) *emptied {
	more := maps.Clone(e.kinds)
	if more == nil {
		more = map[schema.GroupVersionResource]bool{}
	}
	for _, content := range contents {
		if content.listed && len(content.objects) == 0 {
			more[content.kind.GroupVersionResource()] = true
		}
	}
	return &emptied{namespace: e.namespace, kinds: more}
}

// rest are those of some kinds that have to be listed.
func (e *emptied) rest(some []kinds.Kind) []kinds.Kind {
	return slices.DeleteFunc(slices.Clone(some), func(kind kinds.Kind) bool { return e.kinds[kind.GroupVersionResource()] })
}
