package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/internal/cli/objects"
)

// sideBySide is how many requests are under way at once.
const sideBySide = 16

// highest is how far up owners are followed: objects that own each other have no end.
const highest = 20

// Ground is the cluster that a tree grows on.
type Ground struct {
	*objects.Finder
	// Canonical is the first name of a kind. A kind that has another one is not asked for.
	Canonical func(schema.GroupKind) schema.GroupKind
	// SecondNames: the server shows an object by all of its names, so that it is enough to ask by the first.
	SecondNames bool
}

// Grow reads the tree of an object. Its error is that of the object itself; what else could not be read before ctx ended stands in
// the tree.
func (g Ground) Grow(ctx context.Context, kind objects.Kind, namespace, name string) (*Tree, error) {
	object, err := g.Metadata(ctx, kind, namespace, name)
	if err != nil {
		return nil, err
	}
	t := &Tree{Object: nodeOf(object), Owners: []*Node{}}
	g.climb(ctx, t, object)
	below(t.Object, g.candidates(ctx, t, object.Namespace))
	g.judgeAll(ctx, t)
	slices.Sort(t.Unseen)
	return t, nil
}

// climb finds the owners.
func (g Ground) climb(ctx context.Context, t *Tree, object *metav1.PartialObjectMetadata) {
	for owner := ownerOf(object); owner != nil && len(t.Owners) < highest; owner = ownerOf(object) {
		version, _ := schema.ParseGroupVersion(owner.APIVersion) // the server has checked it
		n := &Node{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID, Status: unknown}
		t.Owners = slices.Insert(t.Owners, 0, n)
		kind, err := g.Of(version.Group, owner.Kind)
		if err == nil {
			object, err = g.Metadata(ctx, kind, object.Namespace, owner.Name)
		}
		switch {
		case apierrors.IsNotFound(err) || err == nil && object.UID != owner.UID:
			n.Status, n.Message = gone, "it is gone: what it owned is left to the garbage collector"
			return
		case err != nil:
			n.Message = err.Error()
			t.Unseen = append(t.Unseen, err.Error())
			return
		}
		*n = *nodeOf(object)
	}
}

// candidates are all objects that can be dependents of one in a namespace: of every kind, in its namespace or, for an object that
// lives in none, anywhere.
func (g Ground) candidates(ctx context.Context, t *Tree, namespace string) []metav1.PartialObjectMetadata {
	var kinds []objects.Kind
	for _, kind := range g.Kinds() {
		switch {
		case !kind.Listable || kind.GroupVersionKind.Kind == "Event":
		case namespace != "" && !kind.Namespaced: // the garbage collector would not accept such an owner either
		case g.SecondNames && g.Canonical(kind.GroupKind()) != kind.GroupKind():
		default:
			kinds = append(kinds, kind)
		}
	}
	lists := make([][]metav1.PartialObjectMetadata, len(kinds))
	failed := each(len(kinds), func(n int) (err error) {
		lists[n], err = g.List(ctx, kinds[n], namespace, 0)
		return err
	})
	for _, err := range failed {
		if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			continue // the kind went away meanwhile, or cannot be listed after all: there is nothing of it
		}
		t.Unseen = append(t.Unseen, reason(err))
	}
	return slices.Concat(lists...)
}

// judgeAll reads each object of a tree whole, and says how it is.
func (g Ground) judgeAll(ctx context.Context, t *Tree) {
	var nodes []*Node
	for _, n := range t.Objects() {
		if n.Status == "" {
			nodes = append(nodes, n)
		}
	}
	failed := each(len(nodes), func(i int) error {
		n := nodes[i]
		n.Status = unknown
		version, err := schema.ParseGroupVersion(n.APIVersion)
		if err != nil {
			return err
		}
		kind, err := g.Of(version.Group, n.Kind)
		if err != nil {
			return err
		}
		whole, err := g.Whole(ctx, kind, n.Namespace, n.Name)
		switch {
		case apierrors.IsNotFound(err):
			n.Status, n.Message = gone, "it went away meanwhile"
			return nil
		case err != nil:
			return err
		}
		n.Status, n.Message = judge(whole, g.Canonical)
		return nil
	})
	for _, err := range failed {
		t.Unseen = append(t.Unseen, reason(err))
	}
}

// reason is an error for people: that of a context says what it means.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("%v: there was no time left, see --timeout", err)
	}
	return err.Error()
}

// each does something for every number below n, side by side, and returns the errors.
func each(n int, do func(int) error) []error {
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		failed  []error
	)
	turn := make(chan struct{}, sideBySide)
	for i := range n {
		turn <- struct{}{}
		running.Go(func() {
			defer func() { <-turn }()
			if err := do(i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	running.Wait()
	return failed
}
