package capacity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get
// +kubebuilder:rbac:groups=storage.k8s.io,namespace=kube-system,resources=csistoragecapacities,verbs=get;list;watch;create;patch;delete

// Controller decides for all classes at once.
type Controller struct{ *driver.Driver }

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop(d *driver.Driver) loop.Loop {
	return loop.NewGroup("csi-capacity", Controller{d},
		loop.AtStart(loop.All),
		loop.WatchesAll(&ostoragev1.StorageClass{}, 0),
		loop.WatchesAll(&ocorev1.PersistentVolume{}, gather),
		loop.WatchesAll(&ostoragev1.CSIStorageCapacity{}, 0),
	)
}

// The labels of the objects, as external-provisioner has them.
const (
	driverLabel  = "csi.storage.k8s.io/drivername"
	managerLabel = "csi.storage.k8s.io/managed-by"
)

// Namespace is where the objects are.
const Namespace = metav1.NamespaceSystem

// Labels are those of the objects of a driver at one place. Who runs the loop need not hold others in its cache.
func Labels(d *driver.Driver) map[string]string {
	return map[string]string{driverLabel: d.Name, managerLabel: "external-provisioner-" + d.Place.ID()}
}

// world is what the driver has, and what is said of it.
type world struct {
	// node owns the objects; nil where there is none.
	node *ocorev1.Node
	// has is the space for each class of the driver, by its name.
	has map[string]space
	// told are the objects that there are, by name.
	told []*ostoragev1.CSIStorageCapacity
}

// space is how much there is, and how large one volume can be; the latter is nil where the driver does not say.
type space struct {
	capacity resource.Quantity
	largest  *resource.Quantity
}

// Observe asks the driver, and reads what is said.
func (c Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	w := world{has: map[string]space{}}
	var classes ostoragev1.StorageClassList
	if err := view.List(ctx, &classes); err != nil {
		return w, fmt.Errorf("listing StorageClasses: %w", err)
	}
	for i := range classes.Items {
		class := &classes.Items[i]
		if class.Provisioner != c.Name {
			continue
		}
		told, err := c.Capacity(ctx, class.Parameters)
		if err != nil {
			return w, fmt.Errorf("asking %s for its capacity: %w", c.Name, err)
		}
		has := space{capacity: rounded(told.GetAvailableCapacity())}
		if told.GetMaximumVolumeSize() != nil {
			has.largest = new(rounded(told.GetMaximumVolumeSize().GetValue()))
		}
		w.has[class.Name] = has
	}
	var err error
	if w.told, err = c.told(ctx, view); err != nil {
		return w, err
	}
	w.node, err = c.node(ctx, view)
	return w, err
}

func (c Controller) told(ctx context.Context, view loop.View) ([]*ostoragev1.CSIStorageCapacity, error) {
	var list ostoragev1.CSIStorageCapacityList
	if err := view.List(ctx, &list, client.InNamespace(Namespace), client.MatchingLabels(Labels(c.Driver))); err != nil {
		return nil, fmt.Errorf("listing CSIStorageCapacities: %w", err)
	}
	var told []*ostoragev1.CSIStorageCapacity
	for i := range list.Items {
		told = append(told, &list.Items[i])
	}
	return told, nil
}

// node is the Node at whose place the driver is. It is read from the API server: no more than one is wanted.
func (c Controller) node(ctx context.Context, view loop.View) (*ocorev1.Node, error) {
	name := c.Place.Default()
	if name == "" {
		return nil, nil
	}
	node := &ocorev1.Node{}
	switch err := view.Live().Get(ctx, client.ObjectKey{Name: name}, node); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading Node %s: %w", name, err)
	}
	return node, nil
}

// grain is what capacities are rounded down to.
const grain = 64 << 20

func rounded(bytes int64) resource.Quantity {
	return *resource.NewQuantity(bytes-bytes%grain, resource.BinarySI)
}

// nameFor is what the object of a class is called: the same at each start, and another at each place.
func (c Controller) nameFor(class string) string {
	sum := sha256.Sum256([]byte(c.Name + "\n" + c.Place.ID() + "\n" + class))
	return "csisc-" + hex.EncodeToString(sum[:8])
}
