package explain

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
)

// World is what an explanation is made from.
type World struct {
	// Claim and Volume are the two that are spoken of; one of them may be nil.
	Claim  *corev1.PersistentVolumeClaim
	Volume *corev1.PersistentVolume
	// Pods are those that use the claim.
	Pods []corev1.Pod
	// Class is the claim's; nil if there is none.
	Class *storagev1.StorageClass
	// Drivers are the names of all CSI drivers that say that they are there.
	Drivers []string
	// Capacities are those of the class.
	Capacities []storagev1.CSIStorageCapacity
	// Volumes are all volumes.
	Volumes []corev1.PersistentVolume
	// Attached are the nodes that the volume is attached to.
	Attached []string
	// Complaints are the warnings about the claim or the volume, the newest last.
	Complaints []corev1.Event
}

// ReadClaim reads what there is to say of a claim.
func ReadClaim(ctx context.Context, api kubernetes.Interface, namespace, name string) (World, error) {
	var w World
	var err error
	if w.Claim, err = api.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
		return w, err
	}
	if w.Claim.Spec.VolumeName != "" {
		w.Volume, err = api.CoreV1().PersistentVolumes().Get(ctx, w.Claim.Spec.VolumeName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			w.Volume, err = nil, nil
		}
		if err != nil {
			return w, fmt.Errorf("reading volume %s: %w", w.Claim.Spec.VolumeName, err)
		}
	}
	return w, w.read(ctx, api)
}

// ReadVolume reads what there is to say of a volume.
func ReadVolume(ctx context.Context, api kubernetes.Interface, name string) (World, error) {
	var w World
	var err error
	if w.Volume, err = api.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{}); err != nil {
		return w, err
	}
	if ref := w.Volume.Spec.ClaimRef; ref != nil {
		w.Claim, err = api.CoreV1().PersistentVolumeClaims(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && ref.UID != "" && w.Claim.UID != ref.UID {
			w.Claim, err = nil, nil
		}
		if err != nil {
			return w, fmt.Errorf("reading claim %s/%s: %w", ref.Namespace, ref.Name, err)
		}
	}
	return w, w.read(ctx, api)
}

// read reads the rest.
func (w *World) read(ctx context.Context, api kubernetes.Interface) error {
	for _, part := range []func(context.Context, kubernetes.Interface) error{w.readPods, w.readClass, w.readDrivers, w.readVolumes, w.readComplaints} {
		if err := part(ctx, api); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) readPods(ctx context.Context, api kubernetes.Interface) error {
	if w.Claim == nil {
		return nil
	}
	pods, err := api.CoreV1().Pods(w.Claim.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing pods of namespace %s: %w", w.Claim.Namespace, err)
	}
	for _, pod := range pods.Items {
		if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed && uses(&pod, w.Claim.Name) {
			w.Pods = append(w.Pods, pod)
		}
	}
	return nil
}

// uses says that a pod has a volume of a claim, be it by name or as its own ephemeral one.
func uses(pod *corev1.Pod, claim string) bool {
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim || v.Ephemeral != nil && pod.Name+"-"+v.Name == claim {
			return true
		}
	}
	return false
}

func (w *World) readClass(ctx context.Context, api kubernetes.Interface) error {
	name := ""
	if w.Claim != nil && w.Claim.Spec.StorageClassName != nil {
		name = *w.Claim.Spec.StorageClassName
	}
	if name == "" {
		return nil
	}
	class, err := api.StorageV1().StorageClasses().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading StorageClass %s: %w", name, err)
	}
	w.Class = class
	capacities, err := api.StorageV1().CSIStorageCapacities("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing CSIStorageCapacities: %w", err)
	}
	for _, c := range capacities.Items {
		if c.StorageClassName == name {
			w.Capacities = append(w.Capacities, c)
		}
	}
	return nil
}

func (w *World) readDrivers(ctx context.Context, api kubernetes.Interface) error {
	drivers, err := api.StorageV1().CSIDrivers().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing CSIDrivers: %w", err)
	}
	for _, d := range drivers.Items {
		w.Drivers = append(w.Drivers, d.Name)
	}
	if w.Volume == nil {
		return nil
	}
	attached, err := api.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing VolumeAttachments: %w", err)
	}
	for _, a := range attached.Items {
		if name := a.Spec.Source.PersistentVolumeName; name != nil && *name == w.Volume.Name {
			w.Attached = append(w.Attached, a.Spec.NodeName)
		}
	}
	return nil
}

func (w *World) readVolumes(ctx context.Context, api kubernetes.Interface) error {
	if w.Claim == nil || w.Claim.Spec.VolumeName != "" {
		return nil
	}
	volumes, err := api.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing volumes: %w", err)
	}
	w.Volumes = volumes.Items
	return nil
}

func (w *World) readComplaints(ctx context.Context, api kubernetes.Interface) error {
	var about []metav1.Object
	if w.Claim != nil {
		about = append(about, w.Claim)
	}
	if w.Volume != nil {
		about = append(about, w.Volume)
	}
	for _, object := range about {
		events, err := api.CoreV1().Events(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: fields.Set{
			"involvedObject.uid": string(object.GetUID()), "type": corev1.EventTypeWarning,
		}.String()})
		if err != nil {
			return fmt.Errorf("listing Events about %s: %w", object.GetName(), err)
		}
		w.Complaints = append(w.Complaints, events.Items...)
	}
	return nil
}
