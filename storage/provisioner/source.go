package provisioner

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/validation"
	storagevolume "k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// source is what a claim's volume is to be a copy of, or why it cannot be. Sources of other kinds are for whoever populates volumes: it
// gets an empty one, as external-provisioner makes it.
func (c Controller) source(ctx context.Context, from, live client.Reader, claim *ocorev1.PersistentVolumeClaim, class *ostoragev1.StorageClass) (source *csi.VolumeContentSource, refused, err error) {
	if ref := claim.Spec.DataSourceRef; ref != nil && ref.Namespace != nil && *ref.Namespace != claim.Namespace {
		return nil, errors.New("dataSource of another namespace is not supported"), nil
	}
	of := claim.Spec.DataSource
	switch {
	case of == nil && claim.Spec.DataSourceRef != nil:
		return nil, fmt.Errorf("dataSourceRef of kind %s is for a volume populator", claim.Spec.DataSourceRef.Kind), nil
	case of == nil:
		return nil, nil, nil
	case of.Kind == "PersistentVolumeClaim" && (of.APIGroup == nil || *of.APIGroup == ""):
		return c.clone(ctx, from, claim, of.Name)
	case of.Kind == "VolumeSnapshot" && of.APIGroup != nil && *of.APIGroup == snapshotv1.GroupName:
		return c.restore(ctx, live, claim, class, of.Name)
	default:
		return nil, fmt.Errorf("dataSource of kind %s is not supported", of.Kind), nil
	}
}

// clone is the volume of another claim of the namespace as a source.
func (c Controller) clone(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim, name string) (source *csi.VolumeContentSource, refused, err error) {
	if !c.Can[csi.ControllerServiceCapability_RPC_CLONE_VOLUME] {
		return nil, errors.New("CSI driver does not support clone operations: plugin capability not found"), nil
	}
	from := &ocorev1.PersistentVolumeClaim{}
	switch err := read.Get(ctx, client.ObjectKey{Namespace: claim.Namespace, Name: name}, from); {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("error getting PVC %s (namespace %q) from api server: %w", name, claim.Namespace, err), nil
	case err != nil:
		return nil, nil, fmt.Errorf("reading claim %s/%s: %w", claim.Namespace, name, err)
	}
	if refused := notCopied(claim, from); refused != nil {
		return nil, refused, nil
	}
	volume := &ocorev1.PersistentVolume{}
	switch err := read.Get(ctx, client.ObjectKey{Name: from.Spec.VolumeName}, volume); {
	case apierrors.IsNotFound(err):
		return nil, errSourceNotReady, nil
	case err != nil:
		return nil, nil, fmt.Errorf("reading volume %s: %w", from.Spec.VolumeName, err)
	}
	switch {
	case !c.isOf(volume, from):
		return nil, errSourceNotReady, nil
	case !c.Place.Holds((*corev1.PersistentVolume)(volume)):
		return nil, &elsewhere{"claim " + name, from.Annotations[storagevolume.AnnSelectedNode], c.Place.ID()}, nil
	}
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{
		Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: volume.Spec.CSI.VolumeHandle},
	}}, nil, nil
}

// elsewhere is why a volume cannot be a copy of what lies at another place.
type elsewhere struct {
	what, at, here string
}

func (e *elsewhere) Error() string {
	return fmt.Sprintf("%s is at %s, and the volume is to be made at %s", e.what, cmp.Or(e.at, "another place"), e.here)
}

// node is where it lies; empty where no node is known.
func (e *elsewhere) node() string {
	if len(validation.IsDNS1123Subdomain(e.at)) > 0 { // the place of more nodes than one
		return ""
	}
	return e.at
}

// isOf says that a volume is one of the driver, and bound to a claim.
func (c Controller) isOf(volume *ocorev1.PersistentVolume, claim *ocorev1.PersistentVolumeClaim) bool {
	ref := volume.Spec.ClaimRef
	return volume.Spec.CSI != nil && volume.Spec.CSI.Driver == c.Name && ref != nil && ref.UID == claim.UID &&
		volume.Status.Phase == corev1.VolumeBound
}

// notCopied is why a claim cannot be a copy of another; nil if it can.
func notCopied(claim, from *ocorev1.PersistentVolumeClaim) error {
	wanted, has := claim.Spec.Resources.Requests.Storage(), from.Spec.Resources.Requests.Storage()
	switch {
	case from.Status.Phase != corev1.ClaimBound:
		return fmt.Errorf("the PVC DataSource %s must have a status of Bound.  Got %v", from.Name, from.Status)
	case from.DeletionTimestamp != nil:
		return fmt.Errorf("the PVC DataSource %s is currently being deleted", from.Name)
	case wanted.Cmp(*has) < 0:
		return fmt.Errorf("error, new PVC request must be greater than or equal in size to the specified PVC data source, requested %v but source is %v",
			wanted.Value(), has.Value())
	case isBlock(claim) && !isBlock(from):
		return errors.New("the source PVC and destination PVCs must have the same volume mode for cloning.  Source is Filesystem, but new PVC requested Block")
	case isBlock(from) && !isBlock(claim):
		return errors.New("the source PVC and destination PVCs must have the same volume mode for cloning.  Source is Block, but new PVC requested Filesystem")
	default:
		return nil
	}
}

// isAbsent says that there is no such object, or no such kind.
func isAbsent(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }
