package capacity

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/simulated"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const name = "disks.example.com"

// TestEachClassOfTheDriverHasItsCapacity lets classes come and go: in the end the driver's have one object each that says what there is,
// and others have none.
func TestEachClassOfTheDriverHasItsCapacity(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			disks := &simulated.Controller{Space: 3*grain + 1}
			looptest.Check(t, looptest.Spec{
				Scheme: scheme,
				Loops:  []loop.Loop{Loop(disks.Driver(name, driver.Node{Name: "one", In: map[string]string{"node": "one"}}))},
				Start: func(*rapid.T) []client.Object {
					return []client.Object{class("ours", name), class("theirs", "other"), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one"}}}
				},
				Change:    comeAndGo,
				Converged: oneEach,
			})
		})
	}
}

func class(called, by string) *ostoragev1.StorageClass {
	return &ostoragev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: called}, Provisioner: by}
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user, called := w.Client("user"), rapid.SampledFrom([]string{"ours", "more", "theirs"}).Draw(t, "class")
	if rapid.Bool().Draw(t, "delete") {
		_ = user.Delete(t.Context(), class(called, name)) // it may be gone
		return
	}
	_ = user.Create(t.Context(), class(called, rapid.SampledFrom([]string{name, "other"}).Draw(t, "driver"))) // it may be there
}

func oneEach(w *looptest.World) error {
	told := map[string]*ostoragev1.CSIStorageCapacity{}
	for _, each := range looptest.All[*ostoragev1.CSIStorageCapacity](w) {
		if told[each.StorageClassName] != nil {
			return fmt.Errorf("class %s has two", each.StorageClassName)
		}
		told[each.StorageClassName] = each
	}
	for _, class := range looptest.All[*ostoragev1.StorageClass](w) {
		has := told[class.Name]
		delete(told, class.Name)
		switch {
		case (has != nil) != (class.Provisioner == name):
			return fmt.Errorf("class %s of %s has an object: %t", class.Name, class.Provisioner, has != nil)
		case has != nil && (has.Capacity.Value() != 3*grain || has.NodeTopology.MatchLabels["node"] != "one" || has.OwnerReferences[0].Name != "one"):
			return fmt.Errorf("class %s has %v", class.Name, has)
		}
	}
	if len(told) > 0 {
		return fmt.Errorf("%v are of no class", told)
	}
	return nil
}
