package capacity

import (
	"maps"
	"slices"
	"time"

	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// lookAgain is how often the driver is asked, as external-provisioner has it.
	lookAgain = time.Minute
	// gather is how long news of volumes are collected for.
	gather = time.Second
	// patience is how long the Node is waited for.
	patience = time.Second
)

// Plan has an object for each class that says what there is.
func (c Controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if w.node == nil && c.Place.Default() != "" {
		p.Because("Node " + c.Place.Default() + " is not there yet")
		p.After(patience, "it may be there then")
		return p
	}
	for _, class := range slices.Sorted(maps.Keys(w.has)) {
		wanted := c.wanted(class, w)
		at := slices.IndexFunc(w.told, func(told *ostoragev1.CSIStorageCapacity) bool { return told.Name == wanted.Name })
		if at < 0 {
			p.Create("the scheduler has to know what there is for class "+class, wanted)
			continue
		}
		told := w.told[at].DeepCopy()
		told.Capacity, told.MaximumVolumeSize, told.OwnerReferences = wanted.Capacity, wanted.MaximumVolumeSize, wanted.OwnerReferences
		p.Patch("there is another amount of space", w.told[at], told)
	}
	for _, told := range w.told {
		if _, has := w.has[told.StorageClassName]; !has {
			p.Delete("class "+told.StorageClassName+" is not of the driver any more", told)
		}
	}
	if len(w.has) > 0 {
		p.After(lookAgain, "there may be another amount of space then")
	}
	return p
}

// wanted is the object of a class.
func (c Controller) wanted(class string, w world) *ostoragev1.CSIStorageCapacity {
	has := w.has[class]
	wanted := &ostoragev1.CSIStorageCapacity{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: c.nameFor(class), Labels: Labels(c.Driver)},
	}
	wanted.StorageClassName, wanted.NodeTopology = class, c.Place.Selector()
	wanted.Capacity, wanted.MaximumVolumeSize = &has.capacity, has.largest
	if w.node != nil {
		wanted.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: w.node.Name, UID: w.node.UID}}
	}
	return wanted
}
