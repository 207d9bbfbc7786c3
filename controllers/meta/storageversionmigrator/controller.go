package storageversionmigrator

import (
	"context"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Objects of any kind can be migrated, so no list of kinds would do. Nothing of them is changed, which RBAC has no word for.
//
// +kubebuilder:rbac:groups=storagemigration.k8s.io,resources=storageversionmigrations,verbs=get;list;watch
// +kubebuilder:rbac:groups=storagemigration.k8s.io,resources=storageversionmigrations/status,verbs=patch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions/status,verbs=patch
// +kubebuilder:rbac:groups=*,resources=*,verbs=list;patch

// Controller decides for the migrations of a resource.
type Controller struct{ kinds kinds.Source }

var _ loop.GroupController[world] = Controller{}

// field is the index by which the migrations of a resource are found.
const field = "spec.resource"

// Loop is the controller with its watches.
func Loop(source kinds.Source) loop.Loop {
	return loop.NewGroup("storage-version-migrator-controller", Controller{source},
		loop.Indexes(&storagemigrationv1.StorageVersionMigration{}, field, func(obj client.Object) []string {
			migration, ok := obj.(*storagemigrationv1.StorageVersionMigration)
			if !ok {
				return nil
			}
			return []string{keyOf(migration).Name}
		}),
		loop.Watches(func(_ context.Context, _ client.Reader, migration *storagemigrationv1.StorageVersionMigration) ([]client.ObjectKey, error) {
			return []client.ObjectKey{keyOf(migration)}, nil
		}),
	)
}

// keyOf is the key of the resource of a migration, as in deployments.apps.
func keyOf(migration *storagemigrationv1.StorageVersionMigration) client.ObjectKey {
	return client.ObjectKey{Name: resource(migration.Spec.Resource).String()}
}

func resource(r metav1.GroupResource) schema.GroupResource {
	return schema.GroupResource{Group: r.Group, Resource: r.Resource}
}
