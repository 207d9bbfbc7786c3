package csi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
)

// annotationNodeIDs has the IDs by which drivers know a node, as a map in JSON.
const annotationNodeIDs = "csi.volume.kubernetes.io/nodeid"

// NodeObjects are the Node and the CSINode of a node.
type NodeObjects struct {
	Client client.Client
	Name   string
}

var _ Node = NodeObjects{}

// Install implements Node.
func (n NodeObjects) Install(ctx context.Context, driver string, info Info) error {
	if err := n.change(ctx, func(node *ocorev1.Node) error {
		if err := label(node, info.Topology); err != nil {
			return err
		}
		return identify(node, driver, info.NodeID)
	}); err != nil {
		return fmt.Errorf("updating node %s with what CSI driver %s says of it: %w", n.Name, driver, err)
	}
	if err := n.changeDrivers(ctx, true, func(drivers []storagev1.CSINodeDriver) []storagev1.CSINodeDriver {
		return append(without(drivers, driver), entry(driver, info))
	}); err != nil {
		return fmt.Errorf("adding CSI driver %s to CSINode %s: %w", driver, n.Name, err)
	}
	return nil
}

// Uninstall implements Node. Labels stay: volumes that are bound may ask for them.
func (n NodeObjects) Uninstall(ctx context.Context, driver string) error {
	if err := n.changeDrivers(ctx, false, func(drivers []storagev1.CSINodeDriver) []storagev1.CSINodeDriver {
		return without(drivers, driver)
	}); err != nil {
		return fmt.Errorf("removing CSI driver %s from CSINode %s: %w", driver, n.Name, err)
	}
	err := n.change(ctx, func(node *ocorev1.Node) error { return identify(node, driver, "") })
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing CSI driver %s from node %s: %w", driver, n.Name, err)
	}
	return nil
}

// change writes a change of the Node, and again after a conflict.
func (n NodeObjects) change(ctx context.Context, change func(*ocorev1.Node) error) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		node := &ocorev1.Node{}
		if err := n.Client.Get(ctx, client.ObjectKey{Name: n.Name}, node); err != nil {
			return err
		}
		before := node.DeepCopy()
		if err := change(node); err != nil || equality.Semantic.DeepEqual(before, node) {
			return err
		}
		return n.Client.Patch(ctx, node, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}

// changeDrivers writes a change of the drivers in the CSINode, which is made where it is wanted.
func (n NodeObjects) changeDrivers(ctx context.Context, wanted bool, change func([]storagev1.CSINodeDriver) []storagev1.CSINodeDriver) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found := &ostoragev1.CSINode{}
		err := n.Client.Get(ctx, client.ObjectKey{Name: n.Name}, found)
		switch {
		case apierrors.IsNotFound(err) && !wanted:
			return nil
		case apierrors.IsNotFound(err):
			return n.create(ctx, change(nil))
		case err != nil:
			return err
		}
		if wanted {
			if err := n.owned(ctx, found); err != nil {
				return err
			}
		}
		before := found.DeepCopy()
		found.Spec.Drivers = change(slices.Clone(before.Spec.Drivers))
		if sameDrivers(before.Spec.Drivers, found.Spec.Drivers) {
			return nil
		}
		return n.Client.Patch(ctx, found, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}

// create makes the CSINode, which goes with its Node.
func (n NodeObjects) create(ctx context.Context, drivers []storagev1.CSINodeDriver) error {
	node := &ocorev1.Node{}
	if err := n.Client.Get(ctx, client.ObjectKey{Name: n.Name}, node); err != nil {
		return err
	}
	kind, err := apiutil.GVKForObject(node, n.Client.Scheme())
	if err != nil {
		return err
	}
	made := &ostoragev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: n.Name, OwnerReferences: []metav1.OwnerReference{
		{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: node.Name, UID: node.UID},
	}}}
	made.Spec.Drivers = drivers
	return n.Client.Create(ctx, made)
}

// owned sees to it that a CSINode is this Node's, and not that of one which had its name before.
func (n NodeObjects) owned(ctx context.Context, found *ostoragev1.CSINode) error {
	node := &ocorev1.Node{}
	if err := n.Client.Get(ctx, client.ObjectKey{Name: n.Name}, node); err != nil {
		return err
	}
	if slices.ContainsFunc(found.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == node.UID }) {
		return nil
	}
	if err := n.Client.Delete(ctx, found, client.Preconditions{UID: &found.UID}); err != nil {
		return err
	}
	return fmt.Errorf("CSINode %q was owned by another node (UID of this one: %s), deleted it", n.Name, node.UID)
}

// entry is what a CSINode says of a driver.
func entry(driver string, info Info) storagev1.CSINodeDriver {
	e := storagev1.CSINodeDriver{Name: driver, NodeID: info.NodeID, TopologyKeys: slices.Sorted(maps.Keys(info.Topology))}
	if info.MaxVolumes > 0 {
		count := int32(min(info.MaxVolumes, math.MaxInt32))
		e.Allocatable = &storagev1.VolumeNodeResources{Count: &count}
	}
	return e
}

func without(drivers []storagev1.CSINodeDriver, name string) []storagev1.CSINodeDriver {
	return slices.DeleteFunc(drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == name })
}

// sameDrivers says whether two lists say the same, in whatever order.
func sameDrivers(a, b []storagev1.CSINodeDriver) bool {
	byName := func(list []storagev1.CSINodeDriver) map[string]storagev1.CSINodeDriver {
		all := map[string]storagev1.CSINodeDriver{}
		for _, d := range list {
			all[d.Name] = d
		}
		return all
	}
	return equality.Semantic.DeepEqual(byName(a), byName(b))
}

// label puts topology on a Node. A label that is there with another value is a driver's error, or two drivers' disagreement.
func label(node *ocorev1.Node, topology map[string]string) error {
	for key, value := range topology {
		if had, there := node.Labels[key]; there && had != value {
			return fmt.Errorf("detected topology value collision: driver reported %q:%q but existing label is %q:%q", key, value, key, had)
		}
	}
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	maps.Copy(node.Labels, topology)
	return nil
}

// identify notes by which ID a driver knows a Node; "" removes that.
func identify(node *ocorev1.Node, driver, id string) error {
	ids := map[string]string{}
	if text := node.Annotations[annotationNodeIDs]; text != "" {
		if err := json.Unmarshal([]byte(text), &ids); err != nil {
			return fmt.Errorf("reading annotation %s of node %s: %w", annotationNodeIDs, node.Name, err)
		}
	}
	delete(ids, driver)
	if id != "" {
		ids[driver] = id
	}
	if len(ids) == 0 {
		delete(node.Annotations, annotationNodeIDs)
		return nil
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	if node.Annotations == nil {
		node.Annotations = map[string]string{}
	}
	node.Annotations[annotationNodeIDs] = string(text)
	return nil
}

// attached says whether a Node was told to have a volume.
func attached(node *ocorev1.Node, name corev1.UniqueVolumeName) bool {
	return slices.ContainsFunc(node.Status.VolumesAttached, func(a corev1.AttachedVolume) bool { return a.Name == name })
}
