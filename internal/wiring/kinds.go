package wiring

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/loop"
)

// kind is a kind that a loop decides for.
type kind struct {
	gvk        schema.GroupVersionKind
	namespaced bool
	prototype  client.Object
}

// object is a new, empty object of the kind.
func (k kind) object() client.Object { return k.prototype.DeepCopyObject().(client.Object) }

// kindOf is the kind that a word means, among those that loops decide for.
func (p *Preview) kindOf(word string) (kind, error) {
	var known []string
	for _, prototype := range decidedFor(p.loops) {
		gvk, err := p.cluster.GetClient().GroupVersionKindFor(prototype)
		if err != nil {
			return kind{}, fmt.Errorf("finding the kind of %T: %w", prototype, err)
		}
		resource, err := p.resource(gvk)
		if err != nil {
			return kind{}, err
		}
		if answersTo(resource, word) {
			return kind{gvk, resource.Namespaced, prototype}, nil
		}
		known = append(known, resource.Name)
	}
	slices.Sort(known)
	return kind{}, fmt.Errorf("no controller decides for %q: there are ones for %s", word, strings.Join(slices.Compact(known), ", "))
}

// decidedFor are empty objects of the kinds that loops decide for: their own, and those that a loop over groups is woken by first.
func decidedFor(loops []loop.Loop) []client.Object {
	var prototypes []client.Object
	for _, l := range loops {
		if of := l.Object(); of != nil {
			prototypes = append(prototypes, of)
		} else if watches := l.Watches(); len(watches) > 0 && watches[0].Object != nil {
			prototypes = append(prototypes, watches[0].Object)
		}
	}
	return prototypes
}

// concerned are the loops that decide for objects of a kind, or for groups that such objects are in.
func (p *Preview) concerned(kind kind) ([]loop.Loop, error) {
	var loops []loop.Loop
	for _, l := range p.loops {
		if of := l.Object(); of != nil {
			gvk, err := p.cluster.GetClient().GroupVersionKindFor(of)
			if err != nil {
				return nil, fmt.Errorf("finding the kind of loop %s: %w", l.Name(), err)
			}
			if gvk == kind.gvk {
				loops = append(loops, l)
			}
			continue
		}
		watches, err := p.watchesOf(l, kind)
		if err != nil {
			return nil, err
		}
		if len(watches) > 0 {
			loops = append(loops, l)
		}
	}
	return loops, nil
}

// watchesOf are the watches of a loop that objects of a kind wake.
func (p *Preview) watchesOf(l loop.Loop, kind kind) ([]loop.Watch, error) {
	var watches []loop.Watch
	for _, watch := range l.Watches() {
		if watch.Object == nil {
			continue
		}
		gvk, err := p.cluster.GetClient().GroupVersionKindFor(watch.Object)
		if err != nil {
			return nil, fmt.Errorf("finding what wakes loop %s: %w", l.Name(), err)
		}
		if gvk == kind.gvk {
			watches = append(watches, watch)
		}
	}
	return watches, nil
}

// resource is what the cluster says of a kind.
func (p *Preview) resource(gvk schema.GroupVersionKind) (metav1.APIResource, error) {
	list, err := p.discovery.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil {
		return metav1.APIResource{}, fmt.Errorf("asking the cluster for the resources of %s: %w", gvk.GroupVersion(), err)
	}
	for _, resource := range list.APIResources {
		if resource.Kind == gvk.Kind && !strings.Contains(resource.Name, "/") {
			return resource, nil
		}
	}
	return metav1.APIResource{}, fmt.Errorf("the cluster does not serve %s", gvk)
}

func answersTo(resource metav1.APIResource, word string) bool {
	word = strings.ToLower(word)
	return word == resource.Name || word == resource.SingularName || word == strings.ToLower(resource.Kind) ||
		slices.Contains(resource.ShortNames, word)
}
