package conditions_test

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A condition keeps the time of its last transition for as long as its status stays the same.
func ExampleOf_Set() {
	noon := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	var list []metav1.Condition
	for after, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionFalse, metav1.ConditionTrue} {
		now := noon.Add(time.Duration(after) * time.Minute)
		list = conditions.Meta.Set(list, metav1.Condition{Type: "Available", Status: status}, now)
		fmt.Println(list[0].Status, "since", list[0].LastTransitionTime.UTC().Format(time.TimeOnly))
	}
	// Output:
	// False since 12:00:00
	// False since 12:00:00
	// True since 12:02:00
}
