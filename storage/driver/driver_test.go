package driver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestAVolumeIsHeldByTheNodeThatItIsOfUseOn(t *testing.T) {
	here := Node{Name: "one", In: map[string]string{"node": "one", "zone": "a"}}
	for name, c := range map[string]struct {
		affinity *corev1.VolumeNodeAffinity
		held     bool
	}{
		"one of this node":              {Affinity(map[string]string{"node": "one"}), true},
		"one of this node and its zone": {Affinity(map[string]string{"node": "one", "zone": "a"}), true},
		"one of another node":           {Affinity(map[string]string{"node": "two"}), false},
		"one of another zone":           {Affinity(map[string]string{"node": "one", "zone": "b"}), false},
		"one of either":                 {Affinity(map[string]string{"node": "two"}, map[string]string{"node": "one"}), true},
		"one that is everywhere":        {Affinity(nil), false},
	} {
		volume := &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{NodeAffinity: c.affinity}}
		if held := here.Holds(volume); held != c.held {
			t.Errorf("%s: held is %t", name, held)
		}
		if !(Node{Name: "one"}).Holds(volume) {
			t.Errorf("%s: a driver without topology does not hold it", name)
		}
	}
}

func TestAffinityNamesAllSegments(t *testing.T) {
	got := Affinity(map[string]string{"b": "2", "a": "1"})
	in := func(key, value string) corev1.NodeSelectorRequirement {
		return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}
	}
	want := &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
		{MatchExpressions: []corev1.NodeSelectorRequirement{in("a", "1"), in("b", "2")}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
