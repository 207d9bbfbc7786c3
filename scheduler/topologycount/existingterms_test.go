package topologycount

import (
	"fmt"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/scheduler/cache"
)

func TestTermsAreForgottenWithTheirPods(t *testing.T) {
	c, snapshot, counter := cache.New(0), &cache.Snapshot{}, New()
	c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node", Labels: map[string]string{"zone": "a"}}})
	count := func() int {
		c.Update(snapshot)
		counted, err := counter.Snapshot(snapshot, nil)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := counted.Terms(RequiredAntiAffinity, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(counts)
	}
	for i := range 10 {
		name := fmt.Sprint("pod-", i)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
		pod.Spec.NodeName = "node"
		term := corev1.PodAffinityTerm{TopologyKey: fmt.Sprint("key-", i), LabelSelector: &metav1.LabelSelector{}}
		if i%2 == 0 {
			term.TopologyKey, term.NamespaceSelector = "zone", &metav1.LabelSelector{}
		}
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term},
		}}
		if err := c.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); got != 1 {
		t.Errorf("%d terms match and count, want the one that five pods have by zone: the node lacks the other keys", got)
	}
	if terms, topologies := len(counter.existing.terms), len(counter.topologies); terms != 6 || topologies != 6 {
		t.Errorf("there are %d terms by %d topologies, want 6 by 6", terms, topologies)
	}
	for i := range 10 {
		if _, err := c.RemovePod(types.UID(fmt.Sprint("pod-", i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); got != 0 {
		t.Errorf("%d terms match though the pods are gone", got)
	}
	left := len(counter.existing.terms) + len(counter.topologies)
	for kind := range kinds {
		left += len(counter.existing.index[kind])
	}
	if left != 0 {
		t.Errorf("%d entries are left of the terms of pods that are gone", left)
	}
}

func TestTermsOfOneKeyAreAddedUp(t *testing.T) {
	c, snapshot := cache.New(0), &cache.Snapshot{}
	c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node", Labels: map[string]string{"zone": "a", "host": "node"}}})
	for i := range 10 {
		name := fmt.Sprint("pod-", i)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
		pod.Spec.NodeName = "node"
		term := corev1.PodAffinityTerm{TopologyKey: []string{"zone", "host"}[i%2], LabelSelector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "own", Operator: metav1.LabelSelectorOpNotIn, Values: []string{name}}},
		}}
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: int32(i), PodAffinityTerm: term}},
		}}
		if err := c.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
	c.Update(snapshot)
	counted, err := New().Snapshot(snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := counted.Terms(PreferredAffinity, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, count := range counts {
		got[count.Key] = count.Of(snapshot.Nodes()[0].Node().Labels[count.Key])
	}
	if want := map[string]int64{"zone": 0 + 2 + 4 + 6 + 8, "host": 1 + 3 + 5 + 7 + 9}; len(counts) != 2 || !maps.Equal(got, want) {
		t.Errorf("got %d counts with the sums %v, want one for each key: %v", len(counts), got, want)
	}
}
