package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Heartbeat is what the control plane sees of one node: the status of its Node object, and its Lease.
//
// Status and lease wait neither for each other nor for the container runtime: what is sent is what is known.
type Heartbeat struct {
	Name    string
	Client  client.Client
	Runtime Runtime
	Clock   clock.Clock
	// Labels and Annotations are those that the Node has among others.
	Labels, Annotations map[string]string
	// Taints are those that the Node is made with.
	Taints []corev1.Taint
	// OwnTaints are the keys of taints that a Node which is there has exactly if they are among Taints. All others are left alone.
	OwnTaints []string
	PodCIDRs  []string
	// ProviderID is what the cloud calls the machine; "" where there is none, or somebody else says so.
	ProviderID string
	// Unregistered: somebody else makes the Node, and it is left as it was made. Nothing is sent before it is there.
	Unregistered bool
	Pace         Pace
	// VolumesInUse are the attached volumes that pods have or are about to have, and whether that is known. Nil knows nothing.
	VolumesInUse func() (names []corev1.UniqueVolumeName, known bool)
	// Devices are what device plugins offer, and what of that can be given to pods; nil if there are no such plugins.
	Devices func() (capacity, allocatable corev1.ResourceList)
	// Observed holds what does not change; what the runtime says is filled in at each update.
	Observed Observed
	// Pressure are the conditions that hold of MemoryPressure, DiskPressure and PIDPressure; nil if none ever does.
	Pressure func() []corev1.NodeConditionType
	// ShuttingDown is why the node is not ready while its machine goes down, and nil while it does not; nil if nobody would know.
	ShuttingDown func() error
	// Event records an event about the node; nil records none.
	Event func(kind, reason, message string)

	updating   sync.Mutex // one update at a time: one may be asked for beside the regular ones
	runtime    runtimeState
	registered time.Time             // when the API server had the Node first
	reported   time.Time             // when the status was written last
	lease      *coordinationv1.Lease // as it was written last; nil before the first time

	mu   sync.Mutex
	node *ocorev1.Node // as it was read or written last
}

// Pace is how often the control plane hears of a node. What is zero is as often as by default.
type Pace struct {
	// StatusUpdate is how often the status is computed, and StatusReport how often one is written that says nothing new.
	StatusUpdate, StatusReport time.Duration
	// Lease is how long a lease holds. It is renewed four times as often.
	Lease time.Duration
}

func (p Pace) statusUpdate() time.Duration { return cmp.Or(p.StatusUpdate, statusUpdateFrequency) }
func (p Pace) statusReport() time.Duration { return cmp.Or(p.StatusReport, statusReportFrequency) }
func (p Pace) lease() time.Duration        { return cmp.Or(p.Lease, leaseDuration) }
func (p Pace) leaseRenewal() time.Duration { return p.lease() / 4 }

// The kubelet's figures.
const (
	statusUpdateFrequency = 10 * time.Second
	// comingUpFrequency is how often a node is looked at that is not ready yet, for nodeReadyGracePeriod after its registration: with
	// some runtimes the network of pods comes only when the node is there.
	comingUpFrequency    = 500 * time.Millisecond
	nodeReadyGracePeriod = 2 * time.Minute
	// statusReportFrequency is how often a status is written that says nothing new.
	statusReportFrequency = 5 * time.Minute
	// requestTimeout is for all requests to the API server that one update or renewal makes.
	requestTimeout = 10 * time.Second
)

// errAgain asks for another update soon.
var errAgain = errors.New("the node was changed by somebody else")

// UpdateStatus writes the node's status if the API server shows another one, or was told nothing for long. The node must have been
// registered.
//
// It compares with what the API server shows and not with what was last said: others write to the status as well, and above all
// say that the node is not ready when it was not heard of.
func (b *Heartbeat) UpdateStatus(ctx context.Context) error {
	b.updating.Lock()
	defer b.updating.Unlock()
	b.runtime.updateRuntimeUp(ctx, b.Runtime, b.Clock)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	node, err := b.read(ctx, "0")
	if apierrors.IsNotFound(err) {
		_, err := b.read(ctx, "") // just made, and not in the watch cache yet
		return errors.Join(errAgain, err)
	}
	if err != nil {
		return err
	}
	now := b.Clock.Now()
	status := Status(b.observed(now), &node.Status, now)
	if !Changed(&status, &node.Status) && now.Sub(b.reported) < b.Pace.statusReport() {
		return nil
	}
	updated := node.DeepCopy()
	updated.Status = status
	err = b.Client.Status().Patch(ctx, updated, client.MergeFromWithOptions(node, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		_, err := b.read(ctx, "")
		return errors.Join(errAgain, err)
	}
	if err != nil {
		return fmt.Errorf("updating the status of node %s: %w", b.Name, err)
	}
	b.set(updated)
	b.tell(&node.Status, &updated.Status)
	b.reported = now
	return nil
}

// comingUp says that the node was registered of late, and is not ready.
func (b *Heartbeat) comingUp() bool {
	return b.Clock.Since(b.registered) < nodeReadyGracePeriod && !isReady(&b.known().Status)
}

func isReady(status *corev1.NodeStatus) bool {
	return slices.ContainsFunc(status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// observed is what is known now.
func (b *Heartbeat) observed(now time.Time) *Observed {
	o := b.Observed
	b.runtime.fill(&o, now)
	if b.Pressure != nil {
		o.Pressure = b.Pressure()
	}
	if b.ShuttingDown != nil {
		if err := b.ShuttingDown(); err != nil {
			o.RuntimeErrors = append(o.RuntimeErrors, err)
		}
	}
	if b.Devices != nil {
		o.Devices, o.AllocatableDevices = b.Devices()
	}
	if b.VolumesInUse != nil {
		o.VolumesInUse, o.VolumesKnown = b.VolumesInUse()
	}
	return &o
}

// read fetches the Node: with version "0" as the API server's watch cache has it, which costs etcd nothing; with "" the
// latest. An older one than is known is dropped for that.
func (b *Heartbeat) read(ctx context.Context, version string) (*ocorev1.Node, error) {
	found := &ocorev1.Node{}
	options := &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: version}}
	if err := b.Client.Get(ctx, client.ObjectKey{Name: b.Name}, found, options); err != nil {
		return nil, fmt.Errorf("reading node %s: %w", b.Name, err)
	}
	if known := b.known(); older(found, known) {
		return known, nil
	}
	b.set(found)
	return found, nil
}

// older says whether a was read before b. Versions of one kind can be compared; what cannot is not older.
func older(a, b *ocorev1.Node) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && a.UID == b.UID && order < 0
}

func (b *Heartbeat) known() *ocorev1.Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.node
}

// UID is the Node's; "" while it is not there.
func (b *Heartbeat) UID() types.UID {
	if node := b.known(); node != nil {
		return node.UID
	}
	return ""
}

func (b *Heartbeat) set(node *ocorev1.Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.node = node
}
