package loop

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Declare makes a cache that has not started index what the loops read by. An index that the cache has already stays.
func Declare(ctx context.Context, cache client.FieldIndexer, loops ...Loop) error {
	for _, l := range loops {
		for _, index := range l.Indexes() {
			err := cache.IndexField(ctx, index.Object, index.Field, index.Values)
			if err != nil && !indexExists(err) {
				return fmt.Errorf("indexing %T by %s for loop %s: %w", index.Object, index.Field, l.Name(), err)
			}
		}
	}
	return nil
}

// indexExists recognises the error of an informer that has the index already. client-go has no type for it.
func indexExists(err error) bool { return strings.Contains(err.Error(), "indexer conflict") }
