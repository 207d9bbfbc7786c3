package cache

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"pgregory.net/rapid"
)

func twoNodes(t *testing.T) (*Cache, *Snapshot) {
	t.Helper()
	c, s := New(0), &Snapshot{}
	c.AddNode(newNode("a", ""))
	c.AddNode(newNode("b", ""))
	must(t, c.AddPod(newPod("web", "a")))
	c.Update(s)
	return c, s
}

func TestChangesOfASessionAreSeenUntilItEnds(t *testing.T) {
	_, s := twoNodes(t)
	before := content(s)
	must(t, s.StartMutations())
	must(t, s.AddPod(infoOf(newPod("db", "")), "b"))
	must(t, s.RemovePod(klog.Logger{}, newPod("web", "a"), "a"))
	must(t, s.AddPod(infoOf(newPod("lost", "")), "nowhere"))
	if diff := cmp.Diff(map[string][]string{"a": {}, "b": {"db"}}, on(s)); diff != "" {
		t.Errorf("pods on nodes during the session (-want +got):\n%s", diff)
	}
	if node, err := s.Get("nowhere"); err != nil || node.Node() != nil || len(node.GetPods()) != 1 {
		t.Errorf("a node that does not exist is %v, %v; want its one pod", node, err)
	}
	must(t, s.EndMutations())
	if diff := cmp.Diff(before, content(s)); diff != "" {
		t.Errorf("after the session (-before +after):\n%s", diff)
	}
	if _, err := s.Get("nowhere"); err == nil {
		t.Error("a node that does not exist outlived the session")
	}
}

func TestASessionInsideAssumingEndsWhereItBegan(t *testing.T) {
	c, s := twoNodes(t)
	before := content(s)
	must(t, s.Assume(infoOf(newPod("first", "")), "a"))
	must(t, s.Assume(infoOf(newPod("second", "")), "a"))
	must(t, s.StartMutations())
	must(t, s.RemovePod(klog.Logger{}, newPod("first", "a"), "a"))
	must(t, s.EndMutations())
	must(t, s.Forget(klog.Logger{}, newPod("first", "a"), "a"))
	if diff := cmp.Diff(map[string][]string{"a": {"second", "web"}, "b": {}}, on(s)); diff != "" {
		t.Errorf("pods on nodes (-want +got):\n%s", diff)
	}
	must(t, s.ForgetAll())
	if diff := cmp.Diff(before, content(s)); diff != "" {
		t.Errorf("after all is forgotten (-before +after):\n%s", diff)
	}
	must(t, s.Assume(infoOf(newPod("first", "")), "b"))
	c.Update(s)
	if diff := cmp.Diff(before, content(s)); diff != "" {
		t.Errorf("after an update (-before +after):\n%s", diff)
	}
}

func TestWrongChangesOfASnapshotAreErrors(t *testing.T) {
	pod := infoOf(newPod("db", ""))
	for name, do := range map[string]func(s *Snapshot) error{
		"adding without a session":   func(s *Snapshot) error { return s.AddPod(pod, "a") },
		"removing without a session": func(s *Snapshot) error { return s.RemovePod(klog.Logger{}, newPod("web", "a"), "a") },
		"ending without a session":   func(s *Snapshot) error { return s.EndMutations() },
		"forgetting what is not assumed": func(s *Snapshot) error {
			return s.Forget(klog.Logger{}, newPod("web", "a"), "a")
		},
		"a session in a session": func(s *Snapshot) error { _ = s.StartMutations(); return s.StartMutations() },
		"assuming in a session":  func(s *Snapshot) error { _ = s.StartMutations(); return s.Assume(pod, "a") },
		"forgetting all in a session": func(s *Snapshot) error {
			_ = s.StartMutations()
			return s.ForgetAll()
		},
		"removing a pod from another node": func(s *Snapshot) error {
			_ = s.StartMutations()
			return s.RemovePod(klog.Logger{}, newPod("web", "a"), "b")
		},
		"removing a pod from a node that is not there": func(s *Snapshot) error {
			_ = s.StartMutations()
			return s.RemovePod(klog.Logger{}, newPod("web", "a"), "c")
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := twoNodes(t)
			if do(s) == nil {
				t.Error("no error")
			}
		})
	}
}

func TestNodesThatChangedAreNamedToWhoAsks(t *testing.T) {
	c, s := twoNodes(t)
	start := s.Version()
	must(t, c.AddPod(newPod("db", "b")))
	c.Update(s)
	middle := s.Version()
	must(t, s.StartMutations())
	must(t, s.AddPod(infoOf(newPod("try", "")), "a"))
	must(t, s.EndMutations())
	for _, test := range []struct {
		since Version
		want  []int
	}{{start, []int{1, 0, 0}}, {middle, []int{0, 0}}, {s.Version(), []int{}}} {
		got, known := s.ChangedSince(test.since)
		if diff := cmp.Diff(test.want, got); diff != "" || !known {
			t.Errorf("since %v, known %t (-want +got):\n%s", test.since, known, diff)
		}
	}
	c.AddNode(newNode("c", ""))
	c.Update(s)
	if got, known := s.ChangedSince(middle); fmt.Sprint(got) != "[0 0 2]" || !known {
		t.Errorf("after one more node changes are %v, known: %t", got, known)
	}
	c.RemoveNode("a") // Its number is that of the last node from now on.
	c.Update(s)
	if got, known := s.ChangedSince(middle); fmt.Sprint(got) != "[0 0 2 0]" || !known || s.Nodes()[0].Node().Name != "c" {
		t.Errorf("after one node less changes are %v, known: %t", got, known)
	}
	for i := range 10 {
		c.AddNode(newNode(fmt.Sprint("more-", i), ""))
	}
	c.Update(s)
	if _, known := s.ChangedSince(middle); known {
		t.Error("changes are known across a renumbering of all nodes")
	}
}

func TestTheLogOfChangesIsBounded(t *testing.T) {
	c, s := twoNodes(t)
	start := s.Version()
	var recent Version
	for range 3000 {
		recent = s.Version()
		c.AddNode(newNode("b", ""))
		c.Update(s)
	}
	if _, known := s.ChangedSince(start); known || len(s.log.numbers) > 1032 {
		t.Errorf("%d changes are remembered", len(s.log.numbers))
	}
	if got, known := s.ChangedSince(recent); !known || len(got) != 1 || got[0] != 1 {
		t.Errorf("the last change is %v, %t", got, known)
	}
}

// TestWhatChangedIsInTheLog drives a cache and its snapshot with random operations, and holds that every node whose
// content differs from an earlier moment is among those that changed since.
func TestWhatChangedIsInTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, s := New(0), &Snapshot{}
		for _, name := range []string{"a", "b", "c"} {
			c.AddNode(newNode(name, ""))
		}
		c.Update(s)
		nodes := rapid.SampledFrom([]string{"a", "b", "c"})
		pods := rapid.SampledFrom([]string{"p", "q", "r", "s"})
		version, earlier := s.Version(), byNumber(s)
		t.Repeat(map[string]func(*rapid.T){
			"pod":    func(t *rapid.T) { _ = c.AddPod(withClaim(newPod(pods.Draw(t, "pod"), nodes.Draw(t, "node")))) },
			"no pod": func(t *rapid.T) { _, _ = c.RemovePod(types.UID(pods.Draw(t, "pod"))) },
			"update": func(*rapid.T) { c.Update(s) },
			"start":  func(*rapid.T) { _ = s.StartMutations() },
			"end":    func(*rapid.T) { _ = s.EndMutations() },
			"add":    func(t *rapid.T) { _ = s.AddPod(infoOf(withClaim(newPod("extra", ""))), nodes.Draw(t, "node")) },
			"assume": func(t *rapid.T) { _ = s.Assume(infoOf(newPod("extra", "")), nodes.Draw(t, "node")) },
			"remove": func(t *rapid.T) {
				_ = s.RemovePod(klog.Logger{}, newPod(pods.Draw(t, "pod"), ""), nodes.Draw(t, "node"))
			},
			"node":    func(t *rapid.T) { c.AddNode(newNode(nodes.Draw(t, "node"), "")) },
			"no node": func(t *rapid.T) { c.RemoveNode(nodes.Draw(t, "node")) },
			"compare": func(*rapid.T) { version, earlier = s.Version(), byNumber(s) },
			"": func(t *rapid.T) {
				changed, known := s.ChangedSince(version)
				if !known {
					return // All were numbered anew.
				}
				seen := map[int]bool{}
				for _, number := range changed {
					seen[number] = true
				}
				checkNumbers(t, s)
				for i, now := range byNumber(s) {
					if !seen[i] && (i >= len(earlier) || !cmp.Equal(earlier[i], now)) {
						t.Fatalf("node %d changed and is not in the log: it is %v", i, now)
					}
				}
			},
		})
		c.Update(s)
		fresh := &Snapshot{}
		c.Update(fresh)
		if diff := cmp.Diff(content(fresh), content(s)); diff != "" {
			t.Fatalf("after all changes are taken back, the snapshot differs from a fresh one (-fresh +kept):\n%s", diff)
		}
	})
}

func withClaim(pod *corev1.Pod) *corev1.Pod {
	claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}
	pod.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim}}}
	return pod
}
