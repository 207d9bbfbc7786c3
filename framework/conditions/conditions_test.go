package conditions_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	earlier = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	now     = earlier.Add(time.Hour)
)

func condition(kind string, status metav1.ConditionStatus, message string, changed time.Time) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Message: message, LastTransitionTime: metav1.NewTime(changed)}
}

func TestSet(t *testing.T) {
	ready := condition("Ready", metav1.ConditionTrue, "3 of 3", earlier)
	healthy := condition("Healthy", metav1.ConditionTrue, "", earlier)
	for _, tt := range []struct {
		name   string
		list   []metav1.Condition
		wanted metav1.Condition
		want   []metav1.Condition
	}{
		{
			name:   "a new condition changed now",
			list:   []metav1.Condition{healthy},
			wanted: condition("Ready", metav1.ConditionTrue, "3 of 3", time.Time{}),
			want:   []metav1.Condition{healthy, condition("Ready", metav1.ConditionTrue, "3 of 3", now)},
		},
		{
			name:   "another status changed now, and keeps its place",
			list:   []metav1.Condition{ready, healthy},
			wanted: condition("Ready", metav1.ConditionFalse, "2 of 3", time.Time{}),
			want:   []metav1.Condition{condition("Ready", metav1.ConditionFalse, "2 of 3", now), healthy},
		},
		{
			name:   "another message alone is no change of status",
			list:   []metav1.Condition{ready, healthy},
			wanted: condition("Ready", metav1.ConditionTrue, "4 of 4", time.Time{}),
			want:   []metav1.Condition{condition("Ready", metav1.ConditionTrue, "4 of 4", earlier), healthy},
		},
		{
			name:   "a time that is brought along does not count",
			list:   []metav1.Condition{ready},
			wanted: condition("Ready", metav1.ConditionTrue, "3 of 3", now.Add(time.Hour)),
			want:   []metav1.Condition{ready},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			given := append([]metav1.Condition(nil), tt.list...)
			got := conditions.Meta.Set(tt.list, tt.wanted, now)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("conditions differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(given, tt.list); diff != "" {
				t.Errorf("the given conditions were changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestFindAndRemove(t *testing.T) {
	list := []metav1.Condition{condition("Ready", metav1.ConditionTrue, "", earlier), condition("Healthy", metav1.ConditionFalse, "", earlier)}
	if c, found := conditions.Meta.Find(list, "Healthy"); !found || c.Status != metav1.ConditionFalse {
		t.Errorf("found Healthy %t with status %q, want it with False", found, c.Status)
	}
	rest := conditions.Meta.Remove(list, "Healthy")
	if _, found := conditions.Meta.Find(rest, "Healthy"); found {
		t.Error("Healthy is still there after it was removed")
	}
	if len(rest) != 1 || len(list) != 2 {
		t.Errorf("after removing one of two: %d are left, and %d in the given slice; want 1 and 2", len(rest), len(list))
	}
}

func TestLookingAllocatesNothing(t *testing.T) {
	list := []metav1.Condition{condition("Ready", metav1.ConditionTrue, "", earlier), condition("Healthy", metav1.ConditionFalse, "", earlier)}
	if n := testing.AllocsPerRun(100, func() {
		conditions.Meta.Find(list, "Healthy")
		conditions.Meta.True(list, "Healthy")
	}); n != 0 {
		t.Errorf("finding a condition and asking whether it is true made %v allocations", n)
	}
}
