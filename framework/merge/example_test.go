package merge_test

import (
	"fmt"

	"github.com/orrery-dev/orrery/framework/merge"
	corev1 "k8s.io/api/core/v1"
)

// What is semantically the same is no difference: a field that is nil and one that is empty.
func ExampleDifference() {
	observed := &corev1.ConfigMap{Data: map[string]string{"index": "hallo"}}
	wanted := observed.DeepCopy()
	wanted.Labels = map[string]string{}
	fmt.Println(len(merge.Difference(observed, wanted)))

	wanted.Data["index"] = "hello"
	fmt.Printf("%s\n", merge.Difference(observed, wanted)["data"])
	// Output:
	// 0
	// {"index":"hello"}
}
