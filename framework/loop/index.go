package loop

import (
	"context"
	"fmt"
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Declare makes a cache that has not started index what the loops read by, once for each kind and field.
func Declare(ctx context.Context, cache client.FieldIndexer, loops ...Loop) error {
	type field struct {
		kind reflect.Type
		name string
	}
	declared := map[field]bool{}
	for _, l := range loops {
		for _, index := range l.Indexes() {
			this := field{reflect.TypeOf(index.Object), index.Field}
			if declared[this] {
				continue
			}
			declared[this] = true
			if err := cache.IndexField(ctx, index.Object, index.Field, index.Values); err != nil {
				return fmt.Errorf("indexing %T by %s for loop %s: %w", index.Object, index.Field, l.Name(), err)
			}
		}
	}
	return nil
}
