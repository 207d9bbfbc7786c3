package simulated

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

func TestUsageGoesFromLevelToLevel(t *testing.T) {
	usage, err := parseUsage("50m, 30s: 800m, 2m: 0", resource.Nano)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		elapsed time.Duration
		at      int64
		sum     float64
	}{
		{0, 50e6, 0},
		{10 * time.Second, 50e6, 0.5e9},
		{30 * time.Second, 800e6, 1.5e9},
		{40 * time.Second, 800e6, 9.5e9},
		{2 * time.Minute, 0, 73.5e9},
		{time.Hour, 0, 73.5e9},
	} {
		if at, sum := usage.at(c.elapsed), usage.sum(c.elapsed); at != c.at || sum != c.sum {
			t.Errorf("after %s: uses %d and has used %g, want %d and %g", c.elapsed, at, sum, c.at, c.sum)
		}
	}
}

func TestUsageThatBeginsLaterIsNothingBefore(t *testing.T) {
	usage, err := parseUsage("10s: 1Gi", 0)
	if err != nil {
		t.Fatal(err)
	}
	if at := usage.at(9 * time.Second); at != 0 {
		t.Errorf("uses %d before its first level", at)
	}
	if at := usage.at(10 * time.Second); at != 1<<30 {
		t.Errorf("uses %d, want 1Gi", at)
	}
}

func TestUsageThatMakesNoSenseIsRefused(t *testing.T) {
	for _, text := range []string{"", "much", "-1", "soon: 1", "1, 1", "10s: 1, 5s: 2", "-5s: 1"} {
		if usage, err := parseUsage(text, 0); err == nil {
			t.Errorf("%q was read as %v", text, usage)
		}
	}
}

func TestAnnotationsSayWhatAContainerUses(t *testing.T) {
	stages, err := Stages{}.with(map[string]string{
		AnnotationPrefix + "cpu-usage": "100m", AnnotationPrefix + "memory-usage": "10Mi", AnnotationPrefix + "memory-usage.web": "20Mi",
	}, "web")
	if err != nil {
		t.Fatal(err)
	}
	if cpu, memory := stages.CPU.at(0), stages.Memory.at(0); cpu != 100e6 || memory != 20<<20 {
		t.Errorf("uses %d nanocores and %d bytes, want 100m and 20Mi", cpu, memory)
	}
	_, err = Stages{}.with(map[string]string{AnnotationPrefix + "cpu-usage": "lots"}, "web")
	if err == nil || !strings.Contains(err.Error(), "cpu-usage") {
		t.Errorf("an annotation that cannot be read: %v", err)
	}
}
