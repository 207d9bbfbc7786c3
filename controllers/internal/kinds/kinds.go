package kinds

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
)

// Kind is one kind that the server has, in the version that the server prefers.
type Kind struct {
	schema.GroupVersionKind
	// Resource is its plural name, as in "deployments".
	Resource string
	// Namespaced says whether its objects live in a namespace.
	Namespaced bool
	// Verbs are what the server can do with it: "list", "deletecollection".
	Verbs sets.Set[string]
}

// GroupVersionResource is the name of the kind in the paths of the server.
func (k Kind) GroupVersionResource() schema.GroupVersionResource {
	return k.GroupVersion().WithResource(k.Resource)
}

// Discovery is the part of a discovery client that is needed. discovery.DiscoveryClient has it.
type Discovery interface {
	ServerPreferredResourcesWithContext(ctx context.Context) ([]*metav1.APIResourceList, error)
}

// Source lists kinds.
type Source struct {
	Discovery Discovery
	// Canonical is the name that counts, where the server shows an object of a kind by several: a kind whose canonical
	// one the server has as well is left out. Nil means that all names are of different objects.
	Canonical func(schema.GroupKind) schema.GroupKind
}

// Kinds lists the kinds that the server has. The error, if groups did not answer, is a Failure, and the kinds are those
// of all other groups.
func (s Source) Kinds(ctx context.Context) ([]Kind, error) {
	lists, err := s.Discovery.ServerPreferredResourcesWithContext(ctx)
	failure := failureOf(err)
	var kinds []Kind
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			failure.Unparsed = append(failure.Unparsed, err)
			continue
		}
		for _, resource := range list.APIResources {
			kinds = append(kinds, kindOf(gv, resource))
		}
	}
	if failure.none() {
		return s.once(kinds), nil
	}
	return s.once(kinds), failure
}

// once drops each kind that is another name of a kind that is listed too.
func (s Source) once(kinds []Kind) []Kind {
	listed := sets.New[schema.GroupKind]()
	for _, kind := range kinds {
		listed.Insert(kind.GroupKind())
	}
	var once []Kind
	for _, kind := range kinds {
		name := s.Name(kind.GroupKind())
		if name == kind.GroupKind() || !listed.Has(name) {
			once = append(once, kind)
		}
	}
	return once
}

// Name is the name that counts, of a kind that may be given by another.
func (s Source) Name(kind schema.GroupKind) schema.GroupKind {
	switch {
	case kind == schema.GroupKind{Group: "events.k8s.io", Kind: "Event"}:
		return schema.GroupKind{Kind: "Event"}
	case s.Canonical == nil:
		return kind
	default:
		return s.Canonical(kind)
	}
}

func kindOf(gv schema.GroupVersion, resource metav1.APIResource) Kind {
	if resource.Group != "" {
		gv.Group = resource.Group
	}
	if resource.Version != "" {
		gv.Version = resource.Version
	}
	return Kind{
		GroupVersionKind: gv.WithKind(resource.Kind),
		Resource:         resource.Name,
		Namespaced:       resource.Namespaced,
		Verbs:            sets.New(resource.Verbs...),
	}
}

// Failure is why some kinds are missing from an answer.
type Failure struct {
	// Groups are the groups that did not answer, with why; nil where it is not about groups.
	Groups map[schema.GroupVersion]error
	// Unparsed are errors about groups whose version makes no sense.
	Unparsed []error

	err error
}

func failureOf(err error) *Failure {
	failure := &Failure{err: err}
	failure.Groups, _ = discovery.GroupDiscoveryFailedErrorGroups(err)
	return failure
}

func (f *Failure) none() bool { return f.err == nil && len(f.Unparsed) == 0 }

// Discovery is the error of asking; nil if only what was answered made no sense.
func (f *Failure) Discovery() error { return f.err }

func (f *Failure) Error() string {
	return fmt.Sprintf("listing the kinds of the API server: %v", errors.Join(append(f.Unparsed, f.err)...))
}

func (f *Failure) Unwrap() error { return f.err }
