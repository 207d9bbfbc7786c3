package loop

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/watchlist"
)

// NewInformer is for the NewInformer of a manager's cache.Options. It makes informers whose first list holds all that was
// written before it was asked for, so that a loop sees what it wrote before a restart.
//
// Where an API server streams first lists, as it does by default since Kubernetes 1.34, every informer is like that. From
// others an informer asks for the first list at resourceVersion "0", and gets what a watch cache has: it may be behind, and by
// more than what the same process had seen before. A loop that makes pods with random names by counting those in a list then
// makes too many, and one that hands out addresses hands one out twice.
func NewInformer(lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	return toolscache.NewSharedIndexInformer(CurrentLists(lw), example, resync, indexers)
}

// CurrentLists has an informer or reflector that lists by lw never ask for a list of whatever age.
func CurrentLists(lw toolscache.ListerWatcher) toolscache.ListerWatcher {
	return currentLists{lw, toolscache.ToListerWatcherWithContext(lw)}
}

type currentLists struct {
	toolscache.ListerWatcher
	withContext toolscache.ListerWatcherWithContext
}

var _ toolscache.ListerWatcherWithContext = currentLists{}

func (l currentLists) List(options metav1.ListOptions) (runtime.Object, error) {
	return l.ListerWatcher.List(notOfAnyAge(options))
}

func (l currentLists) ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	return l.withContext.ListWithContext(ctx, notOfAnyAge(options))
}

func (l currentLists) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return l.withContext.WatchWithContext(ctx, options)
}

// IsWatchListSemanticsUnSupported is asked by client-go, and spelled by it.
func (l currentLists) IsWatchListSemanticsUnSupported() bool {
	return watchlist.DoesClientNotSupportWatchListSemantics(l.ListerWatcher)
}

// notOfAnyAge asks for the most recent state where options ask for any.
func notOfAnyAge(options metav1.ListOptions) metav1.ListOptions {
	if options.ResourceVersion == "0" {
		options.ResourceVersion = ""
	}
	return options
}
