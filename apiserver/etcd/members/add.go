package members

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Add makes room for a member that is to be reached at a URL, as a learner, and returns the URLs of all members by their names, as that
// member has to start with (etcd.Peering). Whether it may join is to be asked before: see [World.CheckJoin].
func Add(ctx context.Context, etcd clientv3.Cluster, w World, name, peerURL string) (map[string]string, error) {
	if w.Pending(peerURL) == 0 {
		err := whenConnected(ctx, func() error {
			_, err := etcd.MemberAddAsLearner(ctx, []string{peerURL})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("adding member %s at %s: %w", name, peerURL, err)
		}
	}
	cluster := map[string]string{name: peerURL}
	for _, m := range w.Members {
		if m.PeerURL != peerURL {
			cluster[m.handle()] = m.PeerURL
		}
	}
	return cluster, nil
}

// Remove removes a member. Whether it may be is to be asked before: see [World.CheckRemoval].
func Remove(ctx context.Context, etcd clientv3.Cluster, m Member) error {
	err := whenConnected(ctx, func() error {
		_, err := etcd.MemberRemove(ctx, m.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("removing member %s (%s): %w", m, strconv.FormatUint(m.ID, 16), err)
	}
	return nil
}

const (
	// connectedPause is how often a change is tried that etcd refuses because its members have not been connected for long, and
	// connectedPatience how long: etcd wants five seconds.
	connectedPause    = 250 * time.Millisecond
	connectedPatience = 15 * time.Second
)

// whenConnected tries a change of the members until they have been connected for as long as etcd wants them to be before it.
func whenConnected(ctx context.Context, change func() error) error {
	ctx, cancel := context.WithTimeout(ctx, connectedPatience)
	defer cancel()
	ticker := time.NewTicker(connectedPause)
	defer ticker.Stop()
	for {
		err := change()
		if !errors.Is(err, rpctypes.ErrUnhealthy) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return err
		}
	}
}
