package vacprotection

import (
	"context"
	"fmt"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is the index by which volumes and claims are found.
const field = "volumeAttributesClasses"

// world is who uses a class.
type world struct {
	// user is a volume or a claim, as in "claim default/data"; empty if there is none.
	user string
}

// Observe reads the volumes and claims that have to do with the class.
func (Controller) Observe(ctx context.Context, view loop.View, class *storagev1.VolumeAttributesClass) (world, error) {
	user, err := userOf(ctx, view, class.Name, client.MatchingFields{field: class.Name})
	return world{user: user}, err
}

// ask is who uses a class as the API server has it now. It has no such index.
func ask(class *storagev1.VolumeAttributesClass) func(context.Context, client.Reader) (string, error) {
	return func(ctx context.Context, live client.Reader) (string, error) { return userOf(ctx, live, class.Name) }
}

// userOf is a user of a class, of those that the options list.
func userOf(ctx context.Context, read client.Reader, class string, options ...client.ListOption) (string, error) {
	var volumes ocorev1.PersistentVolumeList
	if err := read.List(ctx, &volumes, options...); err != nil {
		return "", fmt.Errorf("listing the volumes of class %s: %w", class, err)
	}
	for i := range volumes.Items {
		if volume := &volumes.Items[i]; slices.Contains(classesOf(volume), class) {
			return "volume " + volume.Name, nil
		}
	}
	var claims ocorev1.PersistentVolumeClaimList
	if err := read.List(ctx, &claims, options...); err != nil {
		return "", fmt.Errorf("listing the claims of class %s: %w", class, err)
	}
	for i := range claims.Items {
		if claim := &claims.Items[i]; slices.Contains(classesOf(claim), class) {
			return fmt.Sprintf("claim %s/%s", claim.Namespace, claim.Name), nil
		}
	}
	return "", nil
}

// classesOf are the names of the classes that a volume or a claim has to do with.
func classesOf(obj client.Object) []string {
	var named []*string
	switch obj := obj.(type) {
	case *ocorev1.PersistentVolume:
		named = []*string{obj.Spec.VolumeAttributesClassName}
	case *ocorev1.PersistentVolumeClaim:
		named = []*string{obj.Spec.VolumeAttributesClassName, obj.Status.CurrentVolumeAttributesClassName}
		if modifying := obj.Status.ModifyVolumeStatus; modifying != nil {
			named = append(named, &modifying.TargetVolumeAttributesClassName)
		}
	}
	var names []string
	for _, name := range named {
		if name != nil && *name != "" && !slices.Contains(names, *name) {
			names = append(names, *name)
		}
	}
	return names
}
