package wiring

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/controllers"
)

// Namespaces are those that a manager is confined to: it needs rights in no other, and none to what is in no namespace. The zero
// value is all of them.
type Namespaces []string

// configure lets the cache of a manager read those namespaces alone.
func (n Namespaces) configure(m *manager.Options) {
	if len(n) == 0 {
		return
	}
	m.Cache.DefaultNamespaces = map[string]cache.Config{}
	for _, name := range n {
		m.Cache.DefaultNamespaces[name] = cache.Config{}
	}
}

// confined parts loops into those that need to see objects in namespaces alone, and the others.
func (n Namespaces) confined(scheme *runtime.Scheme, kinds meta.RESTMapper, entries []controllers.Entry) (can, cannot []controllers.Entry, err error) {
	if len(n) == 0 {
		return entries, nil, nil
	}
	for _, e := range entries {
		inNamespaces := true
		for _, prototype := range watched(e.Loop) {
			namespaced, err := apiutil.IsObjectNamespaced(prototype, scheme, kinds)
			if err != nil {
				return nil, nil, fmt.Errorf("finding whether what loop %s watches is in namespaces: %w", e.Loop.Name(), err)
			}
			inNamespaces = inNamespaces && namespaced
		}
		if inNamespaces {
			can = append(can, e)
		} else {
			cannot = append(cannot, e)
		}
	}
	return can, cannot, nil
}

// within are the loops that run in some namespaces. One of the others that is asked for by its name is refused, and the log tells of
// the rest.
func (n Namespaces) within(mgr manager.Manager, selection Selection, loops []controllers.Entry) ([]controllers.Entry, error) {
	can, cannot, err := n.confined(mgr.GetScheme(), mgr.GetRESTMapper(), loops)
	if err != nil {
		return nil, err
	}
	for _, e := range cannot {
		if selection.Asks(e.Loop.Name()) {
			return nil, fmt.Errorf("%s cannot run in the namespaces %s alone: it has to see objects that are in none, as nodes or volumes", e.Loop.Name(), strings.Join(n, ", "))
		}
		mgr.GetLogger().Info("Not running a loop: it has to see what is in no namespace", "loop", e.Loop.Name(), "namespaces", slices.Clone(n))
	}
	return can, nil
}
