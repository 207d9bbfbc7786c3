package objects

import (
	"context"

	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
)

// CSIDriver is the CSIDriver of a name; nil if there is none. The caller must not change it.
func (s *Source) CSIDriver(ctx context.Context, name string) (*storagev1.CSIDriver, error) {
	object, err := s.get(ctx, key{kind: "CSIDriver", name: name}, &ostoragev1.CSIDriver{}, func() bool { return false })
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return (*storagev1.CSIDriver)(object.(*ostoragev1.CSIDriver)), nil
}
