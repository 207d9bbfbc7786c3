package pvbinder

import (
	"context"
	"fmt"

	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The annotations, either of which makes a class the one of claims that say nothing of a class.
const (
	defaultAnnotation     = "storageclass.kubernetes.io/is-default-class"
	betaDefaultAnnotation = "storageclass.beta.kubernetes.io/is-default-class"
)

// classNamed is nil where there is none of that name, as there is none of the empty one.
func classNamed(ctx context.Context, read client.Reader, name string) (*ostoragev1.StorageClass, error) {
	if name == "" {
		return nil, nil
	}
	class := &ostoragev1.StorageClass{}
	err := read.Get(ctx, client.ObjectKey{Name: name}, class)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading StorageClass %s: %w", name, err)
	}
	return class, nil
}

// waitsForConsumer reports that the volume of a claim of the class is chosen with the node of the first pod that uses it.
func waitsForConsumer(class *ostoragev1.StorageClass) bool {
	return class != nil && class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// defaultClass is the newest of those that are said to be the default, of the same age the first by name; nil if none is.
func defaultClass(ctx context.Context, read client.Reader) (*ostoragev1.StorageClass, error) {
	var classes ostoragev1.StorageClassList
	if err := read.List(ctx, &classes, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing StorageClasses: %w", err)
	}
	return newestDefault(classes.Items), nil
}

func newestDefault(classes []ostoragev1.StorageClass) *ostoragev1.StorageClass {
	var newest *ostoragev1.StorageClass
	for i := range classes {
		if class := &classes[i]; isDefault(class) && (newest == nil || precedes(class, newest)) {
			newest = class
		}
	}
	return newest
}

func precedes(a, b *ostoragev1.StorageClass) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return b.CreationTimestamp.Before(&a.CreationTimestamp)
}

func isDefault(class *ostoragev1.StorageClass) bool {
	return class.Annotations[defaultAnnotation] == "true" || class.Annotations[betaDefaultAnnotation] == "true"
}
