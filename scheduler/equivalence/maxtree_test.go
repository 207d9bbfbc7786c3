package equivalence

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestTheTournamentKnowsTheBest compares a tree with a plain list of totals.
func TestTheTournamentKnowsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(1, 20).Draw(t, "nodes")
		tree, totals := newMaxTree(nodes), make([]int64, nodes)
		for i := range totals {
			totals[i] = noTotal
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				node := rapid.IntRange(0, nodes-1).Draw(t, "node")
				totals[node] = rapid.SampledFrom([]int64{noTotal, 0, 1, 2, 3}).Draw(t, "total")
				tree.set(node, totals[node])
			},
			"": func(t *rapid.T) {
				best := slices.Max(totals)
				var want, got []int
				for node, total := range totals {
					if total == best && best != noTotal {
						want = append(want, node)
					}
				}
				for rank := range tree.ties() {
					got = append(got, tree.tied(rank))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("ties (-want +got):\n%s", diff)
				}
				sorted := slices.DeleteFunc(slices.Clone(totals), func(total int64) bool { return total == noTotal })
				slices.SortFunc(sorted, func(a, b int64) int { return int(b - a) })
				var top []int64
				for _, node := range tree.top(nil, 5) {
					top = append(top, totals[node])
				}
				if diff := cmp.Diff(sorted[:min(5, len(sorted))], append([]int64{}, top...)); diff != "" {
					t.Fatalf("the highest totals (-want +got):\n%s", diff)
				}
			},
		})
	})
}

func TestTheLargestScoreIsThatOfTheNodesThatAreLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l largest
		var scores []int64
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				score := rapid.Int64Range(-2, 3).Draw(t, "score")
				l.add(score)
				scores = append(scores, score)
			},
			"remove": func(t *rapid.T) {
				if len(scores) > 0 {
					at := rapid.IntRange(0, len(scores)-1).Draw(t, "which")
					l.remove(scores[at])
					scores = slices.Delete(scores, at, at+1)
				}
			},
			"": func(t *rapid.T) {
				if len(scores) > 0 && l.value != slices.Max(scores) {
					t.Fatalf("the largest of %v is %d", scores, l.value)
				}
			},
		})
	})
}
