package userns

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNoTwoPodsHaveTheSameIDs takes, gives back and records in any order.
func TestNoTwoPodsHaveTheSameIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranges, err := New(Range{DefaultIDsPerPod * 2, DefaultIDsPerPod * 8}, DefaultIDsPerPod*2, 4)
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]Range{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			pod := fmt.Sprint("pod-", rapid.IntRange(0, 6).Draw(t, "pod"))
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				got, err := ranges.Take(pod)
				before, had := held[pod]
				switch {
				case had && (err != nil || got != before):
					t.Fatalf("%s had %v, and gets %v (%v)", pod, before, got, err)
				case !had && err == nil && len(held) >= 4 && !mixed(held):
					t.Fatalf("a fifth pod gets %v", got)
				case err == nil:
					held[pod] = got
				}
			case 1:
				ranges.Release(pod)
				delete(held, pod)
			default: // one with fewer IDs, as the agent before may have given
				has := Range{DefaultIDsPerPod * uint32(rapid.IntRange(2, 9).Draw(t, "first")), DefaultIDsPerPod}
				if _, had := held[pod]; !had && ranges.Record(pod, has) == nil {
					held[pod] = has
				}
			}
			for a, of := range held {
				for b, other := range held {
					if a != b && of.overlaps(other) {
						t.Fatalf("%s has %v and %s %v", a, of, b, other)
					}
				}
				if of.First < DefaultIDsPerPod {
					t.Fatalf("%s has the host's IDs: %v", a, of)
				}
			}
		}
	})
}

// mixed says whether pods have different numbers of IDs, so that more than four fit.
func mixed(held map[string]Range) bool {
	for _, r := range held {
		if r.Length != DefaultIDsPerPod*2 {
			return true
		}
	}
	return false
}

func TestIDsThatCannotBePods(t *testing.T) {
	const unit = DefaultIDsPerPod
	for _, test := range []struct {
		name   string
		node   Range
		perPod int64
		pods   int
		want   string
	}{
		{"all but the host's", all(unit), unit, 110, ""},
		{"exactly enough", Range{unit, 2 * unit}, unit, 2, ""},
		{"too few", Range{unit, 2 * unit}, unit, 3, "not enough for 3 pods"},
		{"the host's own", Range{0, 4 * unit}, unit, 2, "begin at 0: want 65536 or more"},
		{"a beginning in between", Range{unit + 1, 4 * unit}, unit, 2, "want multiples of 65536"},
		{"an end in between", Range{unit, 4*unit + 1}, unit, 2, "want multiples of 65536"},
		{"no whole number for a pod", Range{unit, 4 * unit}, 1000, 2, "1000 IDs for each pod: want a multiple of 65536"},
		{"none for a pod", Range{unit, 4 * unit}, 0, 2, "0 IDs for each pod"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.node, test.perPod, test.pods)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestWhatIsRecordedOfPodsMayNotOverlap(t *testing.T) {
	ranges, err := New(all(DefaultIDsPerPod), DefaultIDsPerPod, 110)
	if err != nil {
		t.Fatal(err)
	}
	if err := ranges.Record("a", Range{DefaultIDsPerPod * 4, DefaultIDsPerPod}); err != nil {
		t.Fatal(err)
	}
	if got, err := ranges.Take("a"); err != nil || got.First != DefaultIDsPerPod*4 {
		t.Errorf("a pod gets %v (%v) rather than what it had", got, err)
	}
	for name, has := range map[string]Range{
		"another pod's": {DefaultIDsPerPod*4 + 1, 1}, "the host's": {0, DefaultIDsPerPod}, "none": {DefaultIDsPerPod * 8, 0}, "beyond the last": {^uint32(0), 2},
	} {
		if err := ranges.Record("b", has); err == nil {
			t.Errorf("%s are taken for a pod's", name)
		}
	}
}

func TestSubordinateIDs(t *testing.T) {
	for output, want := range map[string]Range{"0: kubelet 65536 7208960\n": {65536, 7208960}, "": {}, "0: kubelet 65536\n": {}, "0: kubelet 1 x": {}, "0: kubelet 1 2\n1: kubelet 3 4\n": {}} {
		if got, err := parse(output); got != want || (err == nil) != (want != Range{}) {
			t.Errorf("%q gives %v (%v), want %v", output, got, err, want)
		}
	}
}
