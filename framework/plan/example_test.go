package plan_test

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A plan is data: it says what is to be done and why, before anybody does it.
func ExamplePlan() {
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pages"}, Data: map[string]string{"index": "hallo"}}
	wanted := kept.DeepCopy()
	wanted.Data["index"] = "hello"
	old := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pages-1"}}

	p := plan.New()
	p.Patch("1 of 1 pages is out of date", kept, wanted)
	p.Delete("2 revisions, 1 to keep", old)
	p.After(time.Minute, "the certificate is renewed then")
	fmt.Println(p)

	settled := plan.New()
	settled.Patch("0 of 1 pages are out of date", wanted, wanted)
	fmt.Println(settled)
	// Output:
	// patch ConfigMap default/pages {"data":{"index":"hello"}}: 1 of 1 pages is out of date
	// delete ConfigMap default/pages-1: 2 revisions, 1 to keep
	// look again in 1m0s: the certificate is renewed then
	// nothing to do
}
