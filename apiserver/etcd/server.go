package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// maxSocketPath is the longest path of a unix socket that every supported system takes.
const maxSocketPath = 100

const (
	// stopTimeout bounds how long Stop waits for etcd to end in good order.
	stopTimeout = 10 * time.Second
	// faultTimeout is how long where it has met a fault already: what it held then it may never let go of.
	faultTimeout = time.Second
	// memberData is the directory of etcd's own in a data directory.
	memberData = "member-data"
)

// DefaultQuota is how large a store may become, in bytes: the largest that etcd's makers recommend.
const DefaultQuota = 8 << 30

// Options configures a member.
type Options struct {
	// Dir holds the member's data. It must exist; hold its Lock.
	Dir string
	// Logger receives etcd's warnings and errors. The zero value discards them.
	Logger logr.Logger
	// Quota is how large the store may become before there are no more writes, in bytes; 0 means DefaultQuota.
	Quota int64
	// Ephemeral skips every fsync. The data does not survive a crash of the machine: for tests alone.
	Ephemeral bool
	// Peering makes it one of several members. Nil means that it is on its own, and nobody else reaches it.
	Peering *Peering
}

// Server is a member that runs.
type Server struct {
	dir      string
	socket   string
	etcd     *embed.Etcd
	fault    *fault
	stopping atomic.Bool
	stopOnce sync.Once
	stopErr  error
}

// Start starts a member and returns when it can be used, or when ctx ends. What etcd finds wrong with the data
// directory is returned as an error that names the directory.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := cmp.Or(refuseRemoved(o.Dir), inspect(o.Dir)); err != nil {
		return nil, err
	}
	socket, err := socketPath(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: o.Dir, socket: socket, fault: newFault(o.Dir)}
	config := s.config(o)

	started := make(chan struct{})
	go func() {
		defer s.fault.recover()
		etcd, err := embed.StartEtcd(config)
		if err != nil {
			s.fault.set(startingError(o.Dir, err))
			return
		}
		s.etcd = etcd
		close(started)
	}()
	select {
	case <-started:
		if o.Peering != nil {
			go s.watchRemoval()
		}
	case <-s.fault.happened():
		return nil, s.fault.err()
	}

	select {
	case <-s.etcd.Server.ReadyNotify():
		return s, nil
	case err := <-s.etcd.Err():
		if o.Peering != nil && s.endsByItself() {
			return nil, s.fault.err()
		}
		return nil, errors.Join(fmt.Errorf("starting etcd in %s: %w", o.Dir, err), s.Stop())
	case <-s.fault.happened():
		_ = s.Stop() // that it does not end in good order follows from the fault
		return nil, s.fault.err()
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("starting etcd in %s: %w", o.Dir, context.Cause(ctx)), s.Stop())
	}
}

// startingError is what etcd says of itself, or that the disk is full.
func startingError(dir string, err error) error {
	if full := ended(dir, err); errors.As(full, new(*FullError)) {
		return full
	}
	return fmt.Errorf("starting etcd in %s: %w", dir, err)
}

func (s *Server) config(o Options) *embed.Config {
	client := url.URL{Scheme: "unix", Path: s.socket}
	member := MemberOf(o.Dir)
	peer, _ := url.Parse(member.PeerURL) // a constant

	config := embed.NewConfig()
	config.Name = member.Name
	config.Dir = member.DataDir
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.ListenPeerUrls = nil
	config.AdvertisePeerUrls = []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.InitialClusterToken = member.Token
	// A single member only ever elects itself, and waits for one to two election timeouts before it does. Ticks are what else wakes it
	// most while it is at rest: so they are as long as a start bears them.
	config.TickMs, config.ElectionMs = 50, 250
	if o.Ephemeral { // of which there are many starts, and little rest
		config.TickMs, config.ElectionMs = 20, 100
	}
	if o.Peering == nil { // nor has it to keep five thousand changes in memory for members that are behind
		config.SnapshotCatchUpEntries = 100
	}
	config.EnableGRPCGateway = false
	config.UnsafeNoFsync = o.Ephemeral
	config.QuotaBackendBytes = cmp.Or(o.Quota, DefaultQuota)
	config.AutoCompactionMode = embed.CompactorModePeriodic
	config.AutoCompactionRetention = "0" // the API server compacts
	if o.Peering != nil {
		o.Peering.apply(config)
	}
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(&logCore{LevelEnabler: zapcore.WarnLevel, logger: o.Logger.WithName("etcd"), quiet: &s.stopping},
		zap.WithFatalHook(s.fault), zap.WithPanicHook(s.fault)))
	return config
}

// ID is the number by which the cluster knows the member.
func (s *Server) ID() uint64 { return uint64(s.etcd.Server.MemberID()) }

// Endpoint is the URL under which a client in this process or of this user reaches the member.
func (s *Server) Endpoint() string { return "unix://" + s.socket }

// Failed is closed when etcd has met a condition it cannot go on from; Err then says which.
func (s *Server) Failed() <-chan struct{} { return s.fault.happened() }

// Err returns why the member failed, or nil.
func (s *Server) Err() error { return s.fault.err() }

// Stop ends the member. It returns an error when that takes longer than ten seconds, or one after a fault, and does not wait any
// longer.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() {
		s.stopping.Store(true)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.handOver()
			// The raft loop is ended first: Close alone waits for requests that a member without a leader never
			// answers.
			s.etcd.Server.HardStop()
			s.etcd.Close()
		}()
		patience := stopTimeout
		if s.fault.err() != nil {
			patience = faultTimeout
		}
		timeout := time.NewTimer(patience)
		defer timeout.Stop()
		select {
		case <-ended:
		case <-timeout.C:
			s.stopErr = fmt.Errorf("stopping etcd in %s: still running after %s", s.dir, patience)
		}
		if filepath.Dir(s.socket) != s.dir {
			s.stopErr = errors.Join(s.stopErr, os.RemoveAll(filepath.Dir(s.socket)))
		}
	})
	return s.stopErr
}

// socketPath returns a place in dir, or, when its path would be too long for a socket, in a private directory
// elsewhere.
func socketPath(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the path of %s: %w", dir, err)
	}
	if path := filepath.Join(absolute, "etcd.sock"); len(path) <= maxSocketPath {
		return path, nil
	}
	short, err := os.MkdirTemp("", "orrery-etcd-")
	if err != nil {
		return "", fmt.Errorf("creating a directory for etcd's socket: %w", err)
	}
	return filepath.Join(short, "etcd.sock"), nil
}
