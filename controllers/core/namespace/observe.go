package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is left in a namespace.
type world struct {
	// contents are the kinds of which something is left or cannot be listed. While a Pod is left, they are Pods only.
	contents []content
	// discovery is what kept some kinds from being known; nil if nothing did.
	discovery *kinds.Failure
	// emptied are the kinds that need not be listed any more.
	emptied *emptied
}

// content is what is left of one kind.
type content struct {
	kind    kinds.Kind
	objects []metav1.PartialObjectMetadata
	// listed says that these are all of them.
	listed bool
	// err is why the objects are not known; nil means that they are, or that nobody can tell.
	err error
}

// sideBySide is how many kinds are listed at once.
const sideBySide = 8

// Observe lists what is left in a namespace that is being deleted.
func (c Controller) Observe(ctx context.Context, view loop.View, namespace *corev1.Namespace) (world, error) {
	if !emptying(namespace) {
		return world{}, nil
	}
	closed := !view.Now().Before(namespace.DeletionTimestamp.Add(c.DeletionGracePeriod))
	known, _ := view.Remembered(client.ObjectKeyFromObject(namespace)).(*emptied)
	w := world{emptied: known.of(namespace.UID)}
	all, err := c.Kinds.Kinds(ctx)
	if err != nil && !errors.As(err, &w.discovery) {
		return world{}, err
	}
	pods, others := split(all)
	for _, some := range [][]kinds.Kind{pods, others} {
		contents := list(ctx, view.Live(), namespace.Name, w.emptied.rest(some))
		if closed {
			w.emptied = w.emptied.with(contents)
		}
		if w.contents = slices.DeleteFunc(contents, content.none); len(w.contents) > 0 {
			return w, nil
		}
	}
	return w, nil
}

// emptying reports that a namespace is being deleted and waits for this loop.
func emptying(namespace *corev1.Namespace) bool {
	return namespace.DeletionTimestamp != nil && slices.Contains(namespace.Spec.Finalizers, corev1.FinalizerKubernetes)
}

// split parts the kinds that can be deleted from namespaces into Pods and all others.
func split(all []kinds.Kind) (pods, others []kinds.Kind) {
	for _, kind := range all {
		switch {
		case !kind.Namespaced || !kind.Verbs.Has("delete"):
		case isPod(kind):
			pods = append(pods, kind)
		default:
			others = append(others, kind)
		}
	}
	return pods, others
}

// isPod reports that objects of a kind run containers. Under either name of Pod they do.
func isPod(kind kinds.Kind) bool {
	return apis.Kubernetes.GroupKind(kind.GroupKind()) == schema.GroupKind{Kind: "Pod"}
}

// list lists the objects of some kinds in a namespace.
func list(ctx context.Context, live client.Reader, namespace string, some []kinds.Kind) []content {
	contents := make([]content, len(some))
	each(len(some), sideBySide, func(i int) {
		contents[i] = listKind(ctx, live, namespace, some[i])
	})
	return contents
}

// none reports that nothing is known to be left of a kind.
func (c content) none() bool { return c.err == nil && len(c.objects) == 0 }

func listKind(ctx context.Context, live client.Reader, namespace string, kind kinds.Kind) content {
	objects := &metav1.PartialObjectMetadataList{}
	objects.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	switch err := live.List(ctx, objects, client.InNamespace(namespace)); {
	case apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err):
		return content{kind: kind} // the kind has just gone, or cannot be listed: then nobody can tell what is left
	case err != nil:
		return content{kind: kind, err: fmt.Errorf("listing %s in namespace %s: %w", kind.GroupVersionResource().GroupResource(), namespace, err)}
	default:
		return content{kind: kind, objects: objects.Items, listed: true}
	}
}

// each calls do(0..n-1), some side by side.
func each(n, sideBySide int, do func(i int)) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, sideBySide)
	for i := range n {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wait.Wait()
}
