package queue

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// TestNothingIsLost drives a queue with random operations and holds three things: every pod is in exactly one place, a
// pod that waits was not sent an event since it was last popped that its plugin cares for, and once everything has been
// flushed no pod waits at all.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, clock := newTestQueue(t)
		pods := map[string]*corev1.Pod{}
		inFlight := map[string]*Entry{}
		woken := sets.New[string]() // "pod plugin": the plugin's event came since the pod was popped
		plugins := map[string]fwk.ClusterEvent{"Room": nodeAdded, "Taint": nodeTainted}
		waitsFor := map[string]string{}
		anyPod := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("pod-%d", rapid.IntRange(0, 4).Draw(t, "pod")) })

		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				name := anyPod.Draw(t, "name")
				if pods[name] == nil && inFlight[name] == nil {
					pods[name] = newPod(name, priority(rapid.Int32Range(0, 2).Draw(t, "priority")))
					q.Add(pods[name])
				}
			},
			"pop": func(t *rapid.T) {
				if counts := q.Count(); counts.Active == 0 && q.backoff.Len() == 0 {
					return
				}
				entry := q.Pop()
				name := entry.GetPod().Name
				inFlight[name] = entry
				delete(waitsFor, name)
				for plugin := range plugins {
					woken.Delete(name + " " + plugin)
				}
			},
			"give back": func(t *rapid.T) {
				name := anyPod.Draw(t, "name")
				entry := inFlight[name]
				if entry == nil {
					return
				}
				delete(inFlight, name)
				if pods[name] == nil { // It was deleted meanwhile.
					q.Done(entry.GetPod().UID)
					return
				}
				plugin := rapid.SampledFrom([]string{"Room", "Taint"}).Draw(t, "plugin")
				giveBack(t, q, entry, plugin)
				waitsFor[name] = plugin
			},
			"bind": func(t *rapid.T) {
				name := anyPod.Draw(t, "name")
				if entry := inFlight[name]; entry != nil {
					q.Done(entry.GetPod().UID)
					delete(inFlight, name)
					delete(pods, name)
				}
			},
			"delete": func(t *rapid.T) {
				name := anyPod.Draw(t, "name")
				if pods[name] != nil {
					q.Delete(pods[name])
					delete(pods, name)
					delete(waitsFor, name)
				}
			},
			"event": func(t *rapid.T) {
				plugin := rapid.SampledFrom([]string{"Room", "Taint"}).Draw(t, "plugin")
				q.Move(plugins[plugin], nil, nil, nil)
				for _, set := range []sets.Set[string]{sets.KeySet(pods), sets.KeySet(inFlight)} {
					for name := range set {
						woken.Insert(name + " " + plugin)
					}
				}
			},
			"time": func(t *rapid.T) {
				clock.Step(time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second)
				q.flushBackoff()
				q.flushUnschedulable()
			},
			"": func(t *rapid.T) {
				checkPlaces(t, q, pods, inFlight)
				for _, entry := range q.unschedulable.all {
					name := entry.GetPod().Name
					if woken.Has(name + " " + waitsFor[name]) {
						t.Fatalf("pod %s waits for plugin %s, whose event came already", name, waitsFor[name])
					}
				}
			},
		})

		q.Move(framework.PodFlushed, nil, nil, nil)
		if len(q.unschedulable.all) > 0 {
			t.Fatalf("%d pods still wait after an event for all", len(q.unschedulable.all))
		}
		for name, entry := range inFlight {
			q.Done(entry.GetPod().UID)
			delete(inFlight, name)
		}
		if left := q.inFlight.sequence.Len(); left > 0 {
			t.Fatalf("%d events are kept for nobody", left)
		}
	})
}

func checkPlaces(t *rapid.T, q *Queue, pods map[string]*corev1.Pod, inFlight map[string]*Entry) {
	places := map[string]int{}
	for _, heap := range []*entryHeap{&q.active, &q.backoff, &q.errors} {
		for i, entry := range heap.entries {
			places[entry.GetPod().Name]++
			if entry.index != i || q.heapOf(entry.place) != heap {
				t.Fatalf("pod %s does not know where it is", entry.GetPod().Name)
			}
		}
	}
	for _, entry := range q.unschedulable.all {
		places[entry.GetPod().Name]++
		for plugin := range entry.rejectors() {
			if q.unschedulable.byPlugin[plugin][entry.key()] != entry {
				t.Fatalf("pod %s is not found by plugin %s, which refused it", entry.GetPod().Name, plugin)
			}
		}
	}
	for plugin, filed := range q.unschedulable.byPlugin {
		for key, entry := range filed {
			if q.unschedulable.all[key] != entry {
				t.Fatalf("pod %s is found by plugin %s and does not wait", key, plugin)
			}
		}
	}
	for name := range inFlight {
		places[name]++
	}
	for name := range pods {
		if places[name] != 1 {
			t.Fatalf("pod %s is in %d places, want 1; the queue has %v", name, places[name], q.Count())
		}
	}
	if len(q.entries) != len(places)-len(inFlight) {
		t.Fatalf("the queue knows %d pods, want %d", len(q.entries), len(places)-len(inFlight))
	}
}
