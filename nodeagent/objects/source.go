package objects

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TTL is how old an answer may be.
const TTL = 20 * time.Second

// keepFor is how long an answer is remembered that nobody asks for.
const keepFor = 10 * time.Minute

// Source reads ConfigMaps, Secrets, RuntimeClasses, CSIDrivers and ClusterTrustBundles. It is safe for concurrent use.
type Source struct {
	client client.Reader
	clock  clock.PassiveClock

	mu       sync.Mutex
	kept     map[key]*answer
	lastDrop time.Time
	watches  *watches // nil where nothing is watched

	bundles trustBundles
}

type key struct{ kind, namespace, name string }

type answer struct {
	// object is nil where there is none.
	object    client.Object
	immutable bool
	read      time.Time
	used      time.Time
	// watched: a watch tells of every change, so that the answer does not get old.
	watched bool
	// unwatch ends the watch; nil where there is none.
	unwatch context.CancelFunc
}

// New returns a source that has read nothing yet.
func New(client client.Reader, clock clock.PassiveClock) *Source {
	return &Source{client: client, clock: clock, kept: map[key]*answer{}}
}

// ConfigMap reads one. The caller must not change it.
func (s *Source) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	found := &corev1.ConfigMap{}
	object, err := s.get(ctx, key{"ConfigMap", namespace, name}, found, func() bool { return found.Immutable != nil && *found.Immutable })
	if err != nil {
		return nil, err
	}
	return object.(*corev1.ConfigMap), nil
}

// Secret reads one. The caller must not change it.
func (s *Source) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	found := &corev1.Secret{}
	object, err := s.get(ctx, key{"Secret", namespace, name}, found, func() bool { return found.Immutable != nil && *found.Immutable })
	if err != nil {
		return nil, err
	}
	return object.(*corev1.Secret), nil
}

// RuntimeHandler reads the handler of a RuntimeClass.
func (s *Source) RuntimeHandler(ctx context.Context, runtimeClass string) (string, error) {
	object, err := s.get(ctx, key{kind: "RuntimeClass", name: runtimeClass}, &nodev1.RuntimeClass{}, func() bool { return false })
	if err != nil {
		return "", err
	}
	return object.(*nodev1.RuntimeClass).Handler, nil
}

func (s *Source) get(ctx context.Context, k key, into client.Object, immutable func() bool) (client.Object, error) {
	now := s.clock.Now()
	s.mu.Lock()
	s.dropUnused(now)
	if known := s.kept[k]; known != nil && known.object != nil && (known.immutable || known.watched || now.Sub(known.read) < TTL) {
		known.used = now
		s.mu.Unlock()
		return known.object, nil
	}
	s.mu.Unlock()
	if err := s.client.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: k.name}, into); err != nil {
		if client.IgnoreNotFound(err) == nil {
			s.keep(k, nil, false)
			return nil, err // upstream's messages show this error as it is
		}
		return nil, fmt.Errorf("reading %s %s/%s: %w", k.kind, k.namespace, k.name, err)
	}
	s.keep(k, into, immutable())
	return into, nil
}

// keep remembers an answer, and sees to it that what comes after it is heard of. A nil object is one that is not there.
func (s *Source) keep(k key, object client.Object, immutable bool) {
	now := s.clock.Now()
	version := ""
	if object != nil {
		object.SetManagedFields(nil)
		version = object.GetResourceVersion()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.kept[k]
	if known == nil {
		known = &answer{}
		s.kept[k] = known
	}
	known.object, known.immutable, known.read, known.used = object, immutable, now, now
	if !immutable && known.unwatch == nil {
		s.watch(k, known, version)
	}
}

// dropUnused forgets what nobody asks for any more. The lock is held.
func (s *Source) dropUnused(now time.Time) {
	if now.Sub(s.lastDrop) < keepFor {
		return
	}
	s.lastDrop = now
	for k, known := range s.kept {
		if now.Sub(known.used) > keepFor {
			if known.unwatch != nil {
				known.unwatch()
			}
			delete(s.kept, k)
		}
	}
}
