package loop

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// firstWait is how long a pass waits for the cache the first time; it doubles up to lastWait.
	firstWait = 5 * time.Millisecond
	lastWait  = 100 * time.Millisecond
	// doubt is how long the cache may lack writes, from the last one on, before the API server is asked whether they still stand:
	// what was written may have been deleted since, and then never shows.
	doubt = time.Second
	// givenUp is how long the cache may lack a write at all. It never shows what its selectors leave out.
	givenUp = 5 * time.Minute
)

// ledger remembers what a loop wrote for each of its keys, until the cache shows it.
type ledger struct {
	mu      sync.Mutex
	open    map[client.ObjectKey]*account
	rewound uint64 // how often all that was written has been undone by somebody
}

// account is what is still to be seen for one key of the loop.
type account struct {
	writes  []write
	since   time.Time
	waits   int
	doubted time.Time
}

// write is one write of the loop: the object as the server answered it, or the one that it deleted.
type write struct {
	obj     client.Object
	deleted bool
	// doubtful: the server's answer does not tell what became of the object, and obj is only what was sent.
	doubtful bool
	// answered: it did answer, and so can be asked at once.
	answered bool
}

func newLedger() *ledger { return &ledger{open: map[client.ObjectKey]*account{}} }

// record notes a write for key. It may be called by several steps side by side.
func (l *ledger) record(key client.ObjectKey, w write, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.open[key]
	if a == nil {
		a = &account{since: now, doubted: now}
		l.open[key] = a
	}
	switch {
	case w.doubtful && w.answered:
		a.doubted = time.Time{}
	case !a.doubted.IsZero():
		a.doubted = now // doubt begins with the last write: the first may be long ago when there are many
	}
	a.writes = append(a.writes, w)
}

// forget closes an account, of which all is seen or nothing matters any more.
func (l *ledger) forget(key client.ObjectKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, key)
}

// asOf forgets all writes that somebody has undone since, by making what is stored what it was before: see [activity.Tracker.Rewind].
func (l *ledger) asOf(rewound uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rewound != rewound {
		l.open, l.rewound = map[client.ObjectKey]*account{}, rewound
	}
}

// behind is how long to wait before planning for key; 0 means that the cache shows all that was written for it. Writes
// of kinds that the loop does not read do not count.
func (l *ledger) behind(ctx context.Context, key client.ObjectKey, cluster Cluster, reads *reads) time.Duration {
	now := cluster.Lag.Now()
	a, writes := l.present(key)
	if a == nil {
		return 0
	}
	seen := func(w write) bool { return w.shows(ctx, cluster.Client, reads.formsOf(w.obj)) }
	unseen := slices.DeleteFunc(writes, seen)
	if now.Sub(a.since) >= givenUp {
		unseen = nil
	}
	if len(unseen) > 0 && now.Sub(a.doubted) >= doubt {
		unseen, a.doubted = slices.DeleteFunc(stillStanding(ctx, cluster.Live, unseen), seen), now
	}
	return l.settle(key, a, len(a.writes), unseen)
}

// present is a copy of the account of a key, and what is in it; nil if there is none.
func (l *ledger) present(key client.ObjectKey) (*account, []write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.open[key]
	if a == nil {
		return nil, nil
	}
	snapshot := *a
	return &snapshot, slices.Clone(a.writes)
}

// settle leaves in an account what is unseen of the first writes in it, and what was written since. It says how long to
// wait for them.
func (l *ledger) settle(key client.ObjectKey, seen *account, checked int, unseen []write) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.open[key]
	if a == nil {
		return 0
	}
	a.writes = append(unseen, a.writes[checked:]...)
	if len(a.writes) == 0 {
		delete(l.open, key)
		return 0
	}
	a.doubted = seen.doubted
	wait := min(firstWait<<min(a.waits, 10), lastWait)
	a.waits++
	return wait
}

// shows reports whether what was written can be read in all the forms in which its kind is read.
func (w write) shows(ctx context.Context, read client.Reader, forms []client.Object) bool {
	for _, empty := range forms {
		if w.doubtful || !w.showsIn(ctx, read, empty) {
			return false // what may not have been written cannot show
		}
	}
	return true
}

func (w write) showsIn(ctx context.Context, read client.Reader, seen client.Object) bool {
	switch err := read.Get(ctx, client.ObjectKeyFromObject(w.obj), seen, client.UnsafeDisableDeepCopy); { // it is only looked at
	case apierrors.IsNotFound(err):
		return w.deleted
	case err != nil:
		return false
	case w.deleted:
		return seen.GetUID() != w.obj.GetUID() || seen.GetDeletionTimestamp() != nil
	default:
		return seen.GetUID() == w.obj.GetUID() && !older(seen, w.obj)
	}
}

// stillStanding are the writes that the API server knows and the cache will therefore show. A write of an object that
// has been deleted or replaced since is dropped: the cache may have missed its whole life. Of a doubtful write the
// state that the API server has now has to show, whoever made it, and be it that the object is gone.
func stillStanding(ctx context.Context, live client.Reader, writes []write) []write {
	var standing []write
	for _, w := range writes {
		now := emptyLike(w.obj)
		err := live.Get(ctx, client.ObjectKeyFromObject(w.obj), now)
		switch {
		case apierrors.IsNotFound(err):
			if w.deleted || w.doubtful {
				standing = append(standing, write{obj: w.obj, deleted: true})
			}
		case err != nil:
			standing = append(standing, w)
		case w.doubtful:
			standing = append(standing, write{obj: now})
		case w.deleted || now.GetUID() == w.obj.GetUID():
			standing = append(standing, w)
		}
	}
	return standing
}

// older reports that a was read or written before b. What cannot be compared counts as older, unless it is the same.
func older(a, b client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(a.GetResourceVersion(), b.GetResourceVersion())
	if err != nil {
		return a.GetResourceVersion() != b.GetResourceVersion()
	}
	return order < 0
}

// emptyLike is a new object of the same type, and of the same kind where the type does not say it.
func emptyLike(obj client.Object) client.Object {
	empty := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(client.Object)
	empty.GetObjectKind().SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
	return empty
}

// versions are the resourceVersions of what one pass has written, by UID.
type versions struct {
	mu    sync.Mutex
	byUID map[types.UID]string
}

func (v *versions) set(obj client.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.byUID[obj.GetUID()] = obj.GetResourceVersion()
}

// unset says that an object has a version that nobody told.
func (v *versions) unset(obj client.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.byUID, obj.GetUID())
}

func (v *versions) of(obj client.Object) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if version, ok := v.byUID[obj.GetUID()]; ok {
		return version
	}
	return obj.GetResourceVersion()
}
