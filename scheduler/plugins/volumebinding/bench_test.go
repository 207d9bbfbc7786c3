package volumebinding

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkLocalVolumes decides for all of 5,000 nodes, each of which has one free volume of its own.
func BenchmarkLocalVolumes(b *testing.B) {
	var nodes []*corev1.Node
	var volumes []*corev1.PersistentVolume
	for i := range 5000 {
		name := fmt.Sprintf("%04d", i)
		nodes = append(nodes, nodeIn(name))
		volumes = append(volumes, newVolume(name, "1Gi", name))
	}
	claim := newClaim("data", "1Gi")
	for b.Loop() {
		w := &podClaims{waiting: []waitingClaim{waitingFor(claim, notMade, volumes...)}}
		for _, node := range nodes {
			if d, err := decide(w, node, nil); err != nil || len(d.bindings) != 1 {
				b.Fatalf("node %s: %v, %v", node.Name, d, err)
			}
		}
	}
}
