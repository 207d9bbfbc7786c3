package etcd

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
)

// PeerPort and ClientPort are where members talk to each other, and where their clients on other machines reach them, unless another
// port is chosen.
const (
	PeerPort   = 2380
	ClientPort = 2379
)

// Peering makes a member one of several, or one that others can join. It listens on a network then, and lets in whom its authority has
// signed.
type Peering struct {
	// Name is what the member is called: none of the others has it.
	Name string
	// Peer is where the other members reach it, and Client where their machines do as clients. It listens there, for nobody without a
	// certificate.
	Peer, Client netip.AddrPort
	// CAFile is the authority of all members, CertFile and KeyFile are what this one shows. They are read again when they change.
	CAFile, CertFile, KeyFile string
	// Cluster are the URLs for peers of all members by their names, this one among them, where the member joins others. Nil is for the
	// first one. It counts only as long as there is no data.
	Cluster map[string]string
	// ForceNew makes a cluster of this member alone out of what it has stored, whatever the others have.
	ForceNew bool
}

// PeerURL is the URL by which the other members know this one.
func (p *Peering) PeerURL() string { return "https://" + p.Peer.String() }

// ClientURL is the URL by which clients on other machines know it.
func (p *Peering) ClientURL() string { return "https://" + p.Client.String() }

func (p *Peering) tls() transport.TLSInfo {
	return transport.TLSInfo{
		TrustedCAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile, ClientCertAuth: true,
		// The authority signs members only; a machine with several addresses may talk from any of them.
		SkipClientSANVerify: true,
	}
}

// apply says it in etcd's terms. The member on its own stays as it is but for that: what has been stored is used either way.
func (p *Peering) apply(config *embed.Config) {
	peer, client := url.URL{Scheme: "https", Host: p.Peer.String()}, url.URL{Scheme: "https", Host: p.Client.String()}
	config.Name = p.Name
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.ListenClientUrls = append(config.ListenClientUrls, client)
	config.AdvertiseClientUrls = []url.URL{client}
	config.PeerTLSInfo, config.ClientTLSInfo = p.tls(), p.tls()
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	if len(p.Cluster) > 0 {
		config.ClusterState, config.InitialCluster = embed.ClusterStateFlagExisting, initialCluster(p.Cluster)
	}
	config.ForceNewCluster = p.ForceNew
	// etcd's own times, which a network bears that is slow at times. All members need the same.
	config.TickMs, config.ElectionMs = 100, 1000
}

// initialCluster is how etcd spells it.
func initialCluster(members map[string]string) string {
	spelled := make([]string, 0, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		spelled = append(spelled, name+"="+members[name])
	}
	return strings.Join(spelled, ",")
}

// RemovedError says that a member was removed from its cluster, which never takes it back.
type RemovedError struct {
	// Dir is its data directory.
	Dir string
}

func (e *RemovedError) Error() string {
	return fmt.Sprintf("this member was removed from its cluster, and what is in %s is of no use to anybody any more: give it up with 'orrery reset --yes', and let the machine join anew", e.Dir)
}

// removedFile is in the data directory of a member that was removed. What etcd has stored does not say so where the member was not
// running when it happened.
const removedFile = "removed"

func markRemoved(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, removedFile), nil, 0o600); err != nil {
		return fmt.Errorf("noting that the member was removed: %w", err)
	}
	return nil
}

// refuseRemoved is a *RemovedError where the member of a directory was removed.
func refuseRemoved(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, removedFile)); err == nil {
		return &RemovedError{Dir: dir}
	}
	return nil
}

// watchRemoval makes it the member's fault when it ends without having been told to: etcd does that for no other reason than that the
// cluster has removed it.
func (s *Server) watchRemoval() {
	<-s.etcd.Server.StopNotify()
	if s.stopping.Load() || s.fault.err() != nil {
		return
	}
	err := error(&RemovedError{Dir: s.dir})
	if noted := markRemoved(s.dir); noted != nil {
		err = fmt.Errorf("%w (%w)", err, noted)
	}
	s.fault.set(err)
}

// endsByItself waits for the fault of a member that says that it is ending, and says whether there is one.
func (s *Server) endsByItself() bool {
	patience := time.NewTimer(stopTimeout)
	defer patience.Stop()
	select {
	case <-s.fault.happened():
		_ = s.Stop() // it has ended
		return true
	case <-patience.C:
		return false
	}
}

// votePause is how often it is looked whether a learner has been promoted.
const votePause = 50 * time.Millisecond

// AwaitVote waits until the member votes. A learner answers no requests but for its status; the leader promotes it when it has caught up.
func (s *Server) AwaitVote(ctx context.Context) error {
	ticker := time.NewTicker(votePause)
	defer ticker.Stop()
	for s.etcd.Server.IsLearner() {
		select {
		case <-ticker.C:
		case <-s.fault.happened():
			return s.fault.err()
		case <-ctx.Done():
			return fmt.Errorf("waiting for etcd's leader to promote this member from a learner to one that votes: it has %d changes: %w",
				s.etcd.Server.AppliedIndex(), context.Cause(ctx))
		}
	}
	return nil
}

// handOver gives the lead to another member before this one ends, so that nobody has to find out that it is gone. A member on its own
// has nobody to give it to.
func (s *Server) handOver() {
	if s.fault.err() == nil {
		_ = s.etcd.Server.TryTransferLeadershipOnShutdown() // the others elect one in any case
	}
}
