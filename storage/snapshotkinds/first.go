package snapshotkinds

import (
	"context"
	"fmt"
	"time"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// classes is the definition of VolumeSnapshotClasses.
	classes = "volumesnapshotclasses.snapshot.storage.k8s.io"
	// firstMade is the annotation of that definition which says that the first class was made.
	firstMade = "orrery.dev/first-class-made"
)

// poll is how often it is looked whether a kind is served that was just defined.
const poll = 100 * time.Millisecond

// MakeFirst makes the class that a cluster has at first for a driver, which is the default one, as soon as classes are served. It is the
// users' from then on: it is not made again, also where it was deleted. A cluster whose definitions are somebody else's gets none.
func MakeFirst(ctx context.Context, config *rest.Config, name, driver string) error {
	definitions, err := apiextensions.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for definitions: %w", err)
	}
	defined, err := definitions.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, classes, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading CustomResourceDefinition %s: %w", classes, err)
	}
	if defined.Annotations[checksum] == "" || defined.Annotations[firstMade] != "" {
		return nil
	}
	if err := makeClass(ctx, config, name, driver); err != nil {
		return fmt.Errorf("making VolumeSnapshotClass %s: %w", name, err)
	}
	mark := []byte(`{"metadata":{"annotations":{"` + firstMade + `":"true"}}}`)
	_, err = definitions.ApiextensionsV1().CustomResourceDefinitions().Patch(ctx, classes, types.MergePatchType, mark, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("noting that VolumeSnapshotClass %s was made: %w", name, err)
	}
	return nil
}

// makeClass makes a class once its kind is served.
func makeClass(ctx context.Context, config *rest.Config, name, driver string) error {
	scheme := runtime.NewScheme()
	if err := snapshotv1.AddToScheme(scheme); err != nil {
		return err
	}
	var last error
	err := wait.PollUntilContextCancel(ctx, poll, true, func(ctx context.Context) (bool, error) {
		api, err := client.New(config, client.Options{Scheme: scheme})
		if err == nil {
			err = api.Create(ctx, &snapshotv1.VolumeSnapshotClass{
				ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{DefaultClass: "true"}},
				Driver:     driver, DeletionPolicy: snapshotv1.VolumeSnapshotContentDelete,
			})
		}
		last = err
		return err == nil || apierrors.IsAlreadyExists(err), nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return err
}
