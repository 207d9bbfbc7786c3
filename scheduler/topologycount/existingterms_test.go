package topologycount

import (
	"fmt"
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
