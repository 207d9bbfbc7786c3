package loop

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
)

// listener keeps what it has been told of objects, by name: the versions that it believes to be there.
type listener struct {
	versions map[string]string
	initial  []string
}

func newListener() *listener { return &listener{versions: map[string]string{}} }

func (l *listener) OnAdd(obj any, isInInitialList bool) {
	if isInInitialList {
		l.initial = append(l.initial, obj.(*corev1.ConfigMap).Name)
	}
	l.OnUpdate(nil, obj)
}

func (l *listener) OnUpdate(_, after any) {
	c := after.(*corev1.ConfigMap)
	l.versions[c.Name] = c.ResourceVersion
}

func (l *listener) OnDelete(obj any) { delete(l.versions, obj.(*corev1.ConfigMap).Name) }

func version(name, version string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: version}}
}

// told has an informer's store hold something, and its relay tell of it.
type told struct {
	store toolscache.Store
	relay *relay
}

func newTold() told {
	return told{toolscache.NewStore(toolscache.MetaNamespaceKeyFunc), &relay{}}
}

func (i told) add(c *corev1.ConfigMap) {
	_ = i.store.Add(c) // it has a name
	i.relay.OnAdd(c, false)
}

func (i told) update(before, after *corev1.ConfigMap) {
	_ = i.store.Update(after)
	i.relay.OnUpdate(before, after)
}

func (i told) delete(c *corev1.ConfigMap) {
	_ = i.store.Delete(c)
	i.relay.OnDelete(c)
}

func TestWhoJoinsARelayLateIsToldWhatThereIsAndWhatHappens(t *testing.T) {
	informer := newTold()
	first, second := newListener(), newListener()
	informer.relay.join(first, informer.store)
	informer.add(version("a", "1"))
	informer.add(version("b", "2"))
	informer.relay.join(second, informer.store)
	slices.Sort(second.initial)
	if len(first.initial) != 0 || !slices.Equal(second.initial, []string{"a", "b"}) {
		t.Errorf("told as what is there from the beginning were %v and %v, want nothing and both", first.initial, second.initial)
	}
	informer.update(version("a", "1"), version("a", "3"))
	informer.delete(version("b", "2"))
	for name, l := range map[string]*listener{"the first": first, "the one that came later": second} {
		if want := map[string]string{"a": "3"}; !maps.Equal(l.versions, want) {
			t.Errorf("%s believes in %v, want %v", name, l.versions, want)
		}
	}
}

func TestWhoJoinsARelayWhileMuchHappensMissesNothing(t *testing.T) {
	informer := newTold()
	var happens sync.WaitGroup
	happens.Go(func() {
		for i := range 3000 {
			name := fmt.Sprint("c", i%100)
			informer.add(version(name, "1"))
			informer.update(version(name, "1"), version(name, fmt.Sprint(i)))
			if i%3 == 0 {
				informer.delete(version(name, fmt.Sprint(i)))
			}
		}
	})
	listeners := make([]*listener, 50)
	for i := range listeners {
		listeners[i] = newListener()
		informer.relay.join(listeners[i], informer.store)
	}
	happens.Wait()
	want := map[string]string{}
	for _, obj := range informer.store.List() {
		c := obj.(*corev1.ConfigMap)
		want[c.Name] = c.ResourceVersion
	}
	for i, l := range listeners {
		if !maps.Equal(l.versions, want) {
			t.Fatalf("listener %d believes in %d objects that are not the %d in the store", i, len(l.versions), len(want))
		}
	}
}
