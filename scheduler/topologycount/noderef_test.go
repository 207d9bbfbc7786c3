package topologycount_test

import (
	"testing"

	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

func BenchmarkAt(b *testing.B) {
	_, snapshot := aCluster(b, 5000)
	counted, err := topologycount.New().Snapshot(snapshot, nil)
	if err != nil {
		b.Fatal(err)
	}
	count, err := counted.Count(matching("web", topologycount.Topology{Key: "host"}))
	if err != nil {
		b.Fatal(err)
	}
	nodes := snapshot.Nodes()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if sum, _ := count.At(counted.Ref(nodes[i%len(nodes)])); sum != 1 {
			b.Fatal(sum)
		}
	}
}
