package resourcemetrics

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

var web = types.NamespacedName{Namespace: "default", Name: "web"}

// told is what a node tells: of itself, and of pod web with these containers.
func told(node Point, containers map[string]Point) Batch {
	return Batch{Node: &node, Pods: map[types.NamespacedName]map[string]Point{web: containers}}
}

func TestANodeAndItsPodsAreKnownAfterTwoAnswers(t *testing.T) {
	s := NewStore(15 * time.Second)
	if first := s.Put("one", told(after(100, 1e9, 5), map[string]Point{"a": after(100, 1e9, 7)})); !first {
		t.Error("the first answer is not told from others")
	}
	if usage, known := s.Node("one"); known {
		t.Errorf("after one answer the node uses %+v", usage)
	}
	if usage, known := s.Pod(web); known {
		t.Errorf("after one answer the pod uses %+v", usage)
	}
	if first := s.Put("one", told(after(110, 2e9, 6), map[string]Point{"a": after(110, 1.5e9, 8)})); first {
		t.Error("the second answer is the first one as well")
	}
	node, known := s.Node("one")
	if !known || node.Resources.Cpu().String() != "100m" || node.Resources.Memory().Value() != 6 {
		t.Errorf("the node uses %+v (%v)", node, known)
	}
	pod, known := s.Pod(web)
	if !known || len(pod.Containers) != 1 || pod.Containers[0].Resources.Cpu().String() != "50m" || pod.Window != 10*time.Second {
		t.Errorf("the pod uses %+v (%v)", pod, known)
	}
}

func TestAPodIsKnownWhenAllOfItsContainersAre(t *testing.T) {
	s := NewStore(15 * time.Second)
	s.Put("one", told(after(100, 1, 1), map[string]Point{"b": after(100, 1e9, 1)}))
	s.Put("one", told(after(110, 2, 1), map[string]Point{"b": after(110, 2e9, 1), "a": after(109, 1e9, 1)}))
	if pod, known := s.Pod(web); known {
		t.Errorf("with a container that was measured once: %+v", pod)
	}
	s.Put("one", told(after(120, 3, 1), map[string]Point{"b": after(120, 3e9, 1), "a": after(119, 2e9, 1)}))
	pod, known := s.Pod(web)
	if !known || len(pod.Containers) != 2 || pod.Containers[0].Name != "a" || !pod.Time.Equal(epoch.Add(119*time.Second)) {
		t.Errorf("with both measured twice: %+v (%v); want a before b, at the earlier time", pod, known)
	}
}

func TestWhatIsNotToldAnyMoreIsForgotten(t *testing.T) {
	s := NewStore(15 * time.Second)
	for _, at := range []int{100, 110} {
		s.Put("one", told(after(at, uint64(at), 1), map[string]Point{"a": after(at, uint64(at), 1)}))
	}
	s.Put("one", Batch{Node: new(Point)})
	if pod, known := s.Pod(web); known {
		t.Errorf("a pod that is gone uses %+v", pod)
	}
	s.Put("one", told(after(120, 120, 1), map[string]Point{"a": after(120, 120, 1)}))
	if pod, known := s.Pod(web); known {
		t.Errorf("a pod that is back uses %+v, of what was measured before", pod)
	}
	s.Forget("one")
	if node, known := s.Node("one"); known || len(s.pods)+len(s.on)+len(s.nodes) > 0 {
		t.Errorf("a node that is gone uses %+v; left are %v, %v and %v", node, s.nodes, s.pods, s.on)
	}
}

func TestAPodOfTwoNodesIsOfThatWhichToldFirst(t *testing.T) {
	s := NewStore(15 * time.Second)
	for _, at := range []int{100, 110} {
		s.Put("one", told(after(at, uint64(at), 1), map[string]Point{"a": after(at, uint64(at)*1e7, 1)}))
		s.Put("two", told(after(at, uint64(at), 1), map[string]Point{"a": after(at, uint64(at)*9e7, 1)}))
	}
	if pod, _ := s.Pod(web); len(pod.Containers) != 1 || pod.Containers[0].Resources.Cpu().String() != "10m" {
		t.Errorf("the pod uses %+v, want what node one told", pod)
	}
	s.Forget("two")
	if _, known := s.Pod(web); !known {
		t.Error("the pod went with a node that it is not on")
	}
	s.Forget("one")
	s.Put("two", told(after(120, 120, 1), map[string]Point{"a": after(120, 1, 1)}))
	if of := s.pods[web].node; of != "two" {
		t.Errorf("the pod is of node %q, want two", of)
	}
}
