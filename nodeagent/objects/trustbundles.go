package objects

import (
	"context"
	"fmt"
	"sync"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// trustBundles are all ClusterTrustBundles, as they were read last. A node may read all of them: pods name them by signer and labels.
type trustBundles struct {
	mu   sync.Mutex
	all  []certificatesv1.ClusterTrustBundle
	read time.Time
}

// TrustBundles reads the ClusterTrustBundles that are wanted. Where there are none among those that were read within TTL, all are read
// again: a pod should not wait for one that has just been made. The caller must not change them.
func (s *Source) TrustBundles(ctx context.Context, wanted func(*certificatesv1.ClusterTrustBundle) bool) ([]*certificatesv1.ClusterTrustBundle, error) {
	s.bundles.mu.Lock()
	defer s.bundles.mu.Unlock()
	now := s.clock.Now()
	if now.Sub(s.bundles.read) < TTL {
		if found := s.bundles.these(wanted); len(found) > 0 {
			return found, nil
		}
	}
	var list certificatesv1.ClusterTrustBundleList
	if err := s.client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("listing ClusterTrustBundles: %w", err)
	}
	s.bundles.all, s.bundles.read = list.Items, now
	return s.bundles.these(wanted), nil
}

func (b *trustBundles) these(wanted func(*certificatesv1.ClusterTrustBundle) bool) (found []*certificatesv1.ClusterTrustBundle) {
	for i := range b.all {
		if wanted(&b.all[i]) {
			found = append(found, &b.all[i])
		}
	}
	return found
}
