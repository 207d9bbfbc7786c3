package local

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ClassName is the StorageClass that a cluster has at first.
const ClassName = "orrery-local"

// defaultClass is the annotation of the class of claims that name none.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// MakeFirst makes the objects by which a cluster knows the driver: its CSIDriver, and at the first time the class orrery-local, which is
// the default unless there is one. The class is the users' from then on: it is not written again, also where it was deleted. That the
// CSIDriver is there tells that it was made.
func MakeFirst(ctx context.Context, api kubernetes.Interface) error {
	_, err := api.StorageV1().CSIDrivers().Get(ctx, Name, metav1.GetOptions{})
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading CSIDriver %s: %w", Name, err)
	}
	class := firstClass()
	others, err := api.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing StorageClasses: %w", err)
	}
	for i := range others.Items {
		if others.Items[i].Annotations[defaultClass] == "true" {
			class.Annotations = nil
		}
	}
	if _, err := api.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making StorageClass %s: %w", ClassName, err)
	}
	if _, err := api.StorageV1().CSIDrivers().Create(ctx, csiDriver(), metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making CSIDriver %s: %w", Name, err)
	}
	return nil
}

// firstClass makes volumes on the node that the scheduler has chosen for the pod.
func firstClass() *storagev1.StorageClass {
	return &storagev1.StorageClass{
		ObjectMeta:           metav1.ObjectMeta{Name: ClassName, Annotations: map[string]string{defaultClass: "true"}},
		Provisioner:          Name,
		ReclaimPolicy:        new(corev1.PersistentVolumeReclaimDelete),
		AllowVolumeExpansion: new(true),
		VolumeBindingMode:    new(storagev1.VolumeBindingWaitForFirstConsumer),
	}
}

// csiDriver says how the driver wants to be used: without attaching, where there is space for a volume, and with the files of a volume
// given to the group of the pod.
func csiDriver() *storagev1.CSIDriver {
	return &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: Name},
		Spec: storagev1.CSIDriverSpec{
			AttachRequired:       new(false),
			PodInfoOnMount:       new(false),
			StorageCapacity:      new(true),
			FSGroupPolicy:        new(storagev1.FileFSGroupPolicy),
			VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecyclePersistent},
		},
	}
}
