package tally_test

import (
	"testing"

	"github.com/orrery-dev/orrery/scheduler/tally"
)

func BenchmarkAt(b *testing.B) {
	_, snapshot := aCluster(b, 5000)
	moment, err := tally.New().At(snapshot, nil)
	if err != nil {
		b.Fatal(err)
	}
	count, err := moment.Count(matching("web", tally.Topology{Key: "host"}))
	if err != nil {
		b.Fatal(err)
	}
	nodes := snapshot.Nodes()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if sum, _ := count.At(moment.Place(nodes[i%len(nodes)])); sum != 1 {
			b.Fatal(sum)
		}
	}
}
