package envtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/framework/activity"
)

// storage is the API server's etcd. It knows at which revision something of each kind was written last.
type storage struct {
	client *clientv3.Client
	prefix string
	ended  chan struct{}

	mu     sync.Mutex
	at     int64 // the revision of the last event
	byKind map[schema.GroupKind]int64
	more   chan struct{} // closed by the next event
	err    error         // why there are no more events
}

// openStorage watches the storage of a server, from now on.
func openStorage(ctx context.Context, server *apiserver.Server) (*storage, error) {
	where := server.Storage()
	client, err := clientv3.New(clientv3.Config{Endpoints: where.Endpoints, Logger: zap.NewNop()})
	if err != nil {
		return nil, fmt.Errorf("reaching etcd: %w", err)
	}
	s := &storage{client: client, prefix: where.Prefix + "/", ended: make(chan struct{}), byKind: map[schema.GroupKind]int64{}, more: make(chan struct{})}
	revision, err := s.revision(ctx)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	s.at = revision
	// All keys: then each revision comes with an event. It ends with the client.
	events := client.Watch(context.WithoutCancel(ctx), "", clientv3.WithPrefix(), clientv3.WithPrevKV(), clientv3.WithRev(revision+1))
	go s.follow(events)
	return s, nil
}

// close ends the watch.
func (s *storage) close() error {
	err := s.client.Close()
	<-s.ended
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("leaving etcd: %w", err)
	}
	return nil
}

// ownToServer reports that an object is the API server's word that it is alive, or one that it does not serve.
func (s *storage) ownToServer(key string) bool {
	return slices.ContainsFunc([]string{"leases/kube-system/", "masterleases/", "peerserverleases/"}, func(own string) bool {
		return strings.HasPrefix(key, s.prefix+own)
	})
}

// revision is that of the last change.
func (s *storage) revision(ctx context.Context) (int64, error) {
	response, err := s.client.Get(ctx, s.prefix, clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("asking etcd for its revision: %w", err)
	}
	return response.Header.Revision, nil
}

func (s *storage) follow(events clientv3.WatchChan) {
	defer close(s.ended)
	for response := range events {
		s.mu.Lock()
		for _, event := range response.Events {
			s.note(event)
		}
		s.at, s.err = max(s.at, response.Header.Revision), response.Err()
		s.tell()
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = errors.New("the watch of etcd has ended")
	}
	s.tell()
}

// tell lets go on who waits. The lock is held.
func (s *storage) tell() {
	close(s.more)
	s.more = make(chan struct{})
}

// note notes an event. The lock is held.
func (s *storage) note(event *clientv3.Event) {
	if s.ownToServer(string(event.Kv.Key)) {
		return // which it does not serve, or nobody waits to see
	}
	value := event.Kv.Value
	if event.Type == clientv3.EventTypeDelete {
		if event.PrevKv == nil {
			return
		}
		value = event.PrevKv.Value
	}
	if kind, ok := kindOf(value); ok {
		s.byKind[kind] = event.Kv.ModRevision
	}
}

// written implements what Rest asks: what has been written by now.
func (s *storage) written(ctx context.Context) (activity.Revisions, error) {
	revision, err := s.revision(ctx)
	if err != nil {
		return activity.Revisions{}, err
	}
	for {
		s.mu.Lock()
		at, more, err := s.at, s.more, s.err
		s.mu.Unlock()
		switch {
		case at >= revision:
			return activity.Revisions{At: uint64(revision), Of: s.of}, nil
		case err != nil:
			return activity.Revisions{}, fmt.Errorf("following what is written: %w", err)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return activity.Revisions{}, fmt.Errorf("following what is written: %w", context.Cause(ctx))
		}
	}
}

// of is the revision at which something of a kind was written last. What lies in etcd under one name is served under others.
func (s *storage) of(kind schema.GroupKind) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.byKind[apis.Kubernetes.GroupKind(kind)]
	if kind.Kind == "Event" {
		last = max(s.byKind[schema.GroupKind{Kind: "Event"}], s.byKind[schema.GroupKind{Group: "events.k8s.io", Kind: "Event"}])
	}
	return uint64(last)
}

// protobufs begin with these bytes, and go on with a runtime.Unknown.
var protobufs = []byte("k8s\x00")

// kindOf is the kind of a stored object.
func kindOf(value []byte) (schema.GroupKind, bool) {
	var kind metav1.TypeMeta
	if message, ok := bytes.CutPrefix(value, protobufs); ok {
		var unknown runtime.Unknown
		if err := unknown.Unmarshal(message); err != nil {
			return schema.GroupKind{}, false
		}
		kind.APIVersion, kind.Kind = unknown.APIVersion, unknown.Kind
	} else if err := json.Unmarshal(value, &kind); err != nil {
		return schema.GroupKind{}, false // no object, such as a counter of etcd's
	}
	return kind.GroupVersionKind().GroupKind(), kind.Kind != ""
}
